"""What is asked of an index: the words of a query, taken apart, and what narrows it."""

from dataclasses import dataclass, field

from services.filters import Filter
from services.rights import EVERYTHING, Rights


@dataclass(frozen=True, slots=True)
class Words:
    """A query's words.

    Attributes:
        text: everything to be found, phrases included, without quotation marks and
            without excluded words; what encoders and rerankers read.
        phrases: quoted parts that a document must contain, in this order of words.
        excluded: words and quoted phrases that a document must not contain.
    """

    text: str = ""
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @property
    def constrained(self) -> bool:
        """Whether a document can be ruled out by its words alone."""
        return bool(self.phrases or self.excluded)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look for: browsing."""
        return not self.text.strip() and not self.phrases


@dataclass(frozen=True, slots=True)
class Scope:
    """What narrows a search besides its words."""

    filter: Filter | None = None
    rights: Rights = EVERYTHING


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by a declared metadata key; documents that lack it come last."""

    key: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class LexicalQuery:
    """A question to a text index.

    Attributes:
        language: ISO 639-1 code of the query, or "" for every language present.
    """

    words: Words
    scope: Scope = field(default_factory=Scope)
    language: str = ""
