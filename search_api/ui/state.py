"""What the page shows is in its URL: reading it, writing it, and the search it asks for."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import ValidationError

from search_api.request import Mode, Rerank, SearchRequest, SortBy
from services.collections import FieldType, Schema
from services.errors import InvalidInput

FACET_PREFIX = "f."
_T = TypeVar("_T")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_COUNTED = (FieldType.KEYWORD, FieldType.BOOLEAN, FieldType.INTEGER)
_MAX_FACETS_ASKED = 20


@dataclass(frozen=True, slots=True)
class PageState:
    """A search as the URL holds it.

    Attributes:
        collection: "" for the one that is shown first.
        sort: a metadata key, with "-" before it for falling order; "" is by relevance.
        chosen: facet values as (key, text), in the order of the URL.
        browse: show documents although there are neither words nor choices.
        next: continues a frozen list; the rest then only fills the controls.
    """

    collection: str = ""
    query: str = ""
    mode: Mode = Mode.HYBRID
    rerank: Rerank = Rerank.AUTO
    sort: str = ""
    chosen: tuple[tuple[str, str], ...] = ()
    browse: bool = False
    next: str = ""

    @property
    def asks(self) -> bool:
        """Whether there is anything to search for; else the page is the empty one."""
        return bool(self.query.strip() or self.chosen or self.browse or self.next)

    def url(self, **changes: Any) -> str:
        """The address of this state, or of one that differs by these fields."""
        state = replace(self, **changes)
        pairs = [
            ("c", state.collection),
            ("q", state.query),
            ("mode", "" if state.mode is Mode.HYBRID else state.mode),
            ("rerank", "" if state.rerank is Rerank.AUTO else state.rerank),
            ("sort", state.sort),
            *((FACET_PREFIX + key, text) for key, text in state.chosen),
            ("browse", "1" if state.browse else ""),
            ("next", state.next),
        ]
        encoded = urlencode([pair for pair in pairs if pair[1]], errors="replace")
        return f"/?{encoded}" if encoded else "/"

    def without(self, key: str, text: str) -> str:
        """The address of this state with one facet choice taken back."""
        kept = tuple(choice for choice in self.chosen if choice != (key, text))
        return self.url(chosen=kept, next="", browse=self.browse or not (kept or self.query))

    def request(self, schema: Schema) -> SearchRequest:
        """The search to run.

        Raises:
            InvalidInput: the URL asks for something that no search can do.
        """
        try:
            if self.next:
                return SearchRequest(next=self.next, explain=True)
            return SearchRequest(
                query=self.query,
                mode=self.mode,
                rerank=self.rerank,
                filters=self._filters(schema),
                facets=countable(schema),
                sort=_sort(self.sort),
                explain=True,
            )
        except ValidationError as error:
            fault = error.errors()[0]
            raise InvalidInput(f"This address is not one of the page's: {fault['msg']}.") from None

    def _filters(self, schema: Schema) -> list[dict[str, object]] | None:
        """One ``in`` for each key, since a facet's values widen one another."""
        values: dict[str, list[object]] = {}
        for key, text in self.chosen:
            values.setdefault(key, []).append(_typed(schema.fields.get(key), text))
        return [{"key": key, "type": "in", "value": held} for key, held in values.items()] or None


def read_state(parameters: Iterable[tuple[str, str]]) -> PageState:
    """Read a query string; unknown parameters are ignored, the last of a repeated one counts.

    Raises:
        InvalidInput: a choice that the page does not offer.
    """
    single: dict[str, str] = {}
    chosen: dict[tuple[str, str], None] = {}
    for name, text in parameters:
        if name.startswith(FACET_PREFIX) and text:
            chosen[name.removeprefix(FACET_PREFIX), text] = None
        else:
            single[name] = text
    return PageState(
        collection=single.get("c", ""),
        query=single.get("q", ""),
        mode=_choice(single, "mode", {mode.value: mode for mode in Mode}, Mode.HYBRID),
        rerank=_choice(single, "rerank", {each.value: each for each in Rerank}, Rerank.AUTO),
        sort=single.get("sort", ""),
        chosen=tuple(chosen),
        browse=single.get("browse") == "1",
        next=single.get("next", ""),
    )


def countable(schema: Schema) -> list[str]:
    """The keys worth counting values of, as many as one search takes."""
    keys = [key for key, kind in schema.fields.items() if kind in _COUNTED]
    return keys[:_MAX_FACETS_ASKED]


def _choice(single: Mapping[str, str], name: str, known: Mapping[str, _T], default: _T) -> _T:
    text = single.get(name, "")
    if not text:
        return default
    if text not in known:
        raise InvalidInput(f"'{name}' is one of {', '.join(known)}; {text[:40]!r} is not.")
    return known[text]


def _sort(text: str) -> SortBy | None:
    if not text:
        return None
    return SortBy(key=text.removeprefix("-"), descending=text.startswith("-"))


def _typed(kind: FieldType | None, text: str) -> object:
    """A choice as its key's type; what cannot be one stays text, and the search says so."""
    match kind:
        case FieldType.BOOLEAN if text in ("true", "false"):
            return text == "true"
        case FieldType.INTEGER if _INTEGER.fullmatch(text):
            return int(text)
        case FieldType.FLOAT:
            try:
                return float(text)
            except ValueError:
                return text
        case _:
            return text
