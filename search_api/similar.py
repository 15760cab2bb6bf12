"""Documents like one that the collection holds: its own beginning is the query."""

from typing import Any

from search_api.answer import SearchAnswer
from search_api.request import Rerank, SearchRequest
from search_api.service import SearchService
from search_api.words import plain_words
from services.assembly import Services
from services.deadlines import Deadline
from services.documents import Document
from services.errors import DocumentNotFound
from services.rights import EVERYTHING, Rights

# About what the default bi-encoder reads of a text; more words would only slow the text index.
_LEAD_CHARACTERS = 1_000


async def similar(
    services: Services,
    service: SearchService,
    collection: str,
    document_id: str,
    *,
    size: int = 10,
    filters: Any = None,
    rights: Rights = EVERYTHING,
) -> SearchAnswer:
    """Search with a document's title and beginning, and leave the document itself out.

    Fused order: a reranker is made for questions, not for whole passages. One page.

    Raises:
        DocumentNotFound: there is no such document, or the caller may not read it.
        CollectionNotFound, InvalidInput, BackendUnavailable: as a search.
    """
    document = await _readable(services, collection, document_id, rights)
    query = _lead(document, services.settings.max_query_characters)
    request = SearchRequest(query=query, filters=filters, size=size + 1, rerank=Rerank.NONE)
    answer = await service.search(collection, request, rights)
    others = [result for result in answer.results if result.id != document_id][:size]
    ranked = [
        result.model_copy(update={"rank": rank}) for rank, result in enumerate(others, start=1)
    ]
    return answer.model_copy(update={"results": ranked, "next": None})


async def _readable(
    services: Services, collection: str, document_id: str, rights: Rights
) -> Document:
    await services.ledger.collections.get(collection)
    deadline = Deadline.after(services.settings.deadline_ms / 1_000)
    work = services.ledger.documents.read(collection, [document_id])
    record = (await deadline.bound(work, "The ledger")).get(document_id)
    document = record.document if record is not None else None
    if document is None or not rights.may_read(document.principals):
        raise DocumentNotFound(f"'{collection}' has no document {document_id!r}.")
    return document


def _lead(document: Document, max_characters: int) -> str:
    text = plain_words(f"{document.title}\n{document.text[:_LEAD_CHARACTERS]}")
    return text[: min(_LEAD_CHARACTERS, max_characters)]
