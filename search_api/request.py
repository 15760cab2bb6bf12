"""What a search asks for: one shape for HTTP, the command line and Python."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Mode(StrEnum):
    """Which legs look for candidates."""

    HYBRID = "hybrid"
    LEXICAL = "lexical"
    VECTOR = "vector"


class Rerank(StrEnum):
    """Which stages order the window; ``auto`` takes the best there is."""

    AUTO = "auto"
    NONE = "none"
    LATE = "late"
    CROSS_ENCODER = "cross-encoder"


class Aggregation(StrEnum):
    """How a document's chunks make its score."""

    MAX = "max"
    MEAN = "mean"
    DISCOUNTED = "discounted"
    FIRST = "first"


class Unit(StrEnum):
    """What a result is: a document with its passages, or one passage."""

    DOCUMENT = "document"
    PASSAGE = "passage"


class SortBy(BaseModel):
    """Order by a declared metadata key instead of by relevance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    descending: bool = False


class SearchRequest(BaseModel):
    """A search.

    ``next`` continues a frozen result list: only ``size`` and ``explain`` may stand beside it,
    everything else is fixed by the search that made the list.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: str = Field(default="", description='Words; "quoted phrases" must stand, -word must not')
    mode: Mode = Mode.HYBRID
    filters: Any = Field(default=None, description="A filter, or a list of filters that all hold")
    facets: Annotated[list[str], Field(max_length=20)] = []
    sort: SortBy | None = None
    size: Annotated[int, Field(ge=1, le=1_000)] = 10
    next: str | None = None
    rerank: Rerank = Rerank.AUTO
    explain: bool = False
    aggregation: Aggregation | None = None
    language: Annotated[str, Field(pattern="^([a-z]{2,3})?$")] = ""
    unit: Unit = Unit.DOCUMENT
    budget_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None
    deadline_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None
    generation: Annotated[str, Field(max_length=80)] = Field(
        default="", description="a kept generation's id, to compare it with the live one"
    )

    @field_validator("query")
    @classmethod
    def _is_unicode(cls, query: str) -> str:
        """JSON can name lone surrogates, which nothing after this can store or answer."""
        try:
            query.encode()
        except UnicodeEncodeError:
            raise ValueError("it is not valid Unicode (a lone surrogate)") from None
        return query

    @model_validator(mode="after")
    def _next_stands_alone(self) -> Self:
        fixed = self.model_fields_set - {"next", "size", "explain"}
        if self.next is not None and fixed:
            raise ValueError(
                f"'next' continues a search as it was: leave out {', '.join(sorted(fixed))}"
            )
        return self
