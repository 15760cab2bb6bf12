"""What a process remembers of the ledger, and until when it may be believed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from search_api.ledger_memory import LedgerMemory
from search_api.service import SearchService
from services.ports.ledger import Summary

from .conftest import Library


class CountingDocuments:
    """A ledger's documents; notes whose summaries were asked for."""

    def __init__(self, documents: Any) -> None:
        self._documents = documents
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    async def summaries(self, collection: str, ids: Sequence[str]) -> Mapping[str, Summary]:
        self.asked += ids
        found: Mapping[str, Summary] = await self._documents.summaries(collection, ids)
        return found


class CountingLedger:
    """A ledger whose documents count."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self.documents = CountingDocuments(ledger.documents)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


async def test_the_ledger_is_asked_once_for_what_does_not_change(library: Library) -> None:
    """Another query over the same documents asks for none of them again."""
    ledger = CountingLedger(library.services.ledger)
    service = SearchService(replace(library.services, ledger=ledger))  # type: ignore[arg-type]
    library.search_service = service
    await library.search("hot water")
    assert ledger.documents.asked
    ledger.documents.asked.clear()
    answer = await library.search("hot water milk")
    assert answer.results
    assert not set(ledger.documents.asked) & {"tea", "coffee"}


async def test_a_change_is_seen_by_the_next_search(library: Library) -> None:
    """Remembered or not: a deleted document is gone, and a collection made anew is another."""
    assert "tea" in {each.id for each in (await library.search("hot water")).results}
    await library.indexer.delete("default", ["tea"])
    assert "tea" not in {each.id for each in (await library.search("hot water")).results}
    await library.indexer.delete_collection("default")
    await library.indexer.create_collection("default", language="en")
    assert not (await library.search("hot water")).results


async def test_summaries_hold_under_the_head_that_they_were_read_under(library: Library) -> None:
    """Neither an older nor a newer one; and none where nobody looked at the head."""
    collections, documents = library.services.ledger.collections, library.services.ledger.documents
    head = await collections.head("default")
    found = await documents.summaries("default", ["tea", "coffee"])
    memory = LedgerMemory()
    memory.keep_summaries("default", None, ["tea"], found)
    assert not memory.unchanged_summaries("default", head, ["tea"])
    memory.keep_summaries("default", head, ["tea", "coffee", "gone"], found)
    assert memory.unchanged_summaries("default", head, ["tea", "gone"]) == {"tea": found["tea"]}
    later = replace(head, epoch=head.epoch + 1)
    assert not memory.unchanged_summaries("default", later, ["tea"])
    memory.keep_summaries("default", later, ["coffee"], found)
    assert not memory.unchanged_summaries("default", head, ["tea"])
    memory.forget("default")
    assert not memory.unchanged_summaries("default", later, ["coffee"])
