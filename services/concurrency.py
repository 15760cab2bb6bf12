"""Several coroutines at once."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def side_by_side(jobs: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run jobs at the same time; the first error ends the others, and goes on as it is.

    As a TaskGroup, whose errors would come in a group that no ``except`` here names.
    """
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
