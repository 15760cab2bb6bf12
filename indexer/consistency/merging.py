"""Streams that are ordered by document id, side by side."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeVar


class Named(Protocol):
    """What a stream holds."""

    @property
    def document_id(self) -> str:
        """Its place in the order."""


T = TypeVar("T", bound=Named)


async def side_by_side(
    streams: Sequence[AsyncIterator[T]],
) -> AsyncIterator[tuple[str, Sequence[T | None]]]:
    """Every id that any stream holds, with the item of each stream or None, in order of ids."""
    heads = [await anext(stream, None) for stream in streams]
    while names := [head.document_id for head in heads if head is not None]:
        name = min(names)
        yield (
            name,
            [head if head is not None and head.document_id == name else None for head in heads],
        )
        for place, head in enumerate(heads):
            if head is not None and head.document_id == name:
                heads[place] = await anext(streams[place], None)
