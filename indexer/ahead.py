"""Overlapping the stages of a pipeline."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

Item = TypeVar("Item")


async def ahead(source: AsyncGenerator[Item, None]) -> AsyncGenerator[Item, None]:
    """The items of a source, where the next is made while one is used.

    At most one item waits. An error of the source comes in its turn; when the consumer
    stops early, the item in the making is cancelled.
    """
    async with aclosing(source):
        making = asyncio.ensure_future(anext(source))
        try:
            while True:
                try:
                    item = await making
                except StopAsyncIteration:
                    return
                making = asyncio.ensure_future(anext(source))
                yield item
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
