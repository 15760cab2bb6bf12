"""The systems that are compared: the same search with fewer or more of its stages."""

from dataclasses import dataclass

from search_api.request import Aggregation, Mode, Rerank, SearchRequest


@dataclass(frozen=True, slots=True)
class System:
    """One way to search.

    Attributes:
        aggregation: None takes the setting.
    """

    name: str
    mode: Mode
    rerank: Rerank = Rerank.NONE
    aggregation: Aggregation | None = None

    @property
    def reads_vectors(self) -> bool:
        """Whether it is another system where there is no bi-encoder."""
        return self.mode is not Mode.LEXICAL

    def request(self, query: str) -> SearchRequest:
        """The search of one query."""
        return SearchRequest(
            query=query,
            mode=self.mode,
            rerank=self.rerank,
            aggregation=self.aggregation,
        )


BM25 = System("bm25", Mode.LEXICAL)
VECTOR = System("vector", Mode.VECTOR)
FUSED = System("fused", Mode.HYBRID)
LATE = System("late", Mode.HYBRID, Rerank.LATE)
RERANKED = System("reranked", Mode.HYBRID, Rerank.CROSS_ENCODER)

SYSTEMS = (BM25, VECTOR, FUSED, LATE, RERANKED)
