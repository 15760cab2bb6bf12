"""What ``winnow search`` does."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from cli.answer_view import show
from cli.backend import open_backend
from cli.filters import filters_from
from search_api.answer import SearchAnswer
from search_api.request import SearchRequest
from services.errors import InvalidInput
from services.settings import Settings

__all__ = ["perform", "show", "sort_from"]


async def perform(
    settings: Settings,
    collection: str,
    given: Mapping[str, object],
    conditions: Sequence[str],
    raw_filters: str,
) -> tuple[SearchAnswer, bool]:
    """Search.

    Args:
        given: fields of the request, filters left out.
        conditions, raw_filters: see :func:`cli.filters.filters_from`.

    Returns:
        the answer, and whether another command can go on with its ``next``.

    Raises:
        InvalidInput: an option's value is none of those allowed.
    """
    request = _request(given)
    async with open_backend(settings) as backend:
        if conditions or raw_filters:
            types = (await backend.collection(collection))["schema"] if conditions else {}
            filters = filters_from(conditions, raw_filters, types)
            request = _request({**given, "filters": filters})
        return await backend.search(collection, request), backend.keeps_pages


def sort_from(text: str) -> object:
    """``KEY`` or ``-KEY`` as the request has it."""
    if not text:
        return None
    return {"key": text.removeprefix("-"), "descending": text.startswith("-")}


def _request(given: Mapping[str, object]) -> SearchRequest:
    try:
        return SearchRequest.model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        option = "-".join(str(part) for part in fault["loc"] if isinstance(part, str))
        raise InvalidInput(f"{f'--{option}: ' if option else ''}{fault['msg']}.") from None
