"""Ingestions that are killed, one after another: ``... tests.ingestion.mortal COLLECTION``.

Reads lines "STEP COUNT NUMBER" and answers each with a line of JSON once a child has died at
that step, or come to its end: what it was about to do, and what was acknowledged. Children
are forked from a process that has imported everything and opened nothing, so that a death
costs no second start of Python.
"""

# ruff: noqa: F401  # what services.assembly imports when it is needed

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping

from indexer.draft import Draft
from indexer.service import Indexer
from services.assembly import open_services
from services.celery import exchange, ingestion, reranker
from services.models import embedder, hashing, loading
from services.opensearch import opening as opensearch
from services.qdrant import opening as qdrant
from services.settings import load_settings

Operation = Mapping[str, str | None]
"""The text of each document, None for one that is deleted."""


def operations(number: int) -> list[dict[str, str | None]]:
    """What the child of this number does: new documents, changed ones, deletions."""
    before = number - 1
    return [
        {f"{number}/{each}": f"The tide of day {number} and {each}." for each in range(4)},
        {f"{number}/0": "The tide turned.", f"{before}/1": "Back.", f"{before}/3": None},
    ]


async def ingest(collection: str, number: int, step: str, count: int, told: int) -> None:
    """Store and index, until a step was done for the ``count``-th time."""
    left = count

    def checkpoint(done: str) -> None:
        nonlocal left
        left -= done == step
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async with open_services(load_settings()) as services:
        indexer = Indexer(services, checkpoint=checkpoint)
        await indexer.ensure_collection(collection)
        for operation in operations(number):
            _tell(told, "begun", operation)
            texts = {key: text for key, text in operation.items() if text is not None}
            await indexer.put(
                collection, [Draft(key, text, language="en") for key, text in texts.items()]
            )
            await indexer.delete(collection, [key for key in operation if key not in texts])
            _tell(told, "done", operation)
            await indexer.index_pending(collection)
        await indexer.close()


def _tell(told: int, what: str, operation: Operation) -> None:
    os.write(told, json.dumps([what, operation]).encode() + b"\n")


def child(collection: str, line: str) -> tuple[bool, list[object]]:
    """Fork one; whether it was killed, and what it told."""
    step, count, number = line.split()
    heard, told = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(heard)
        try:
            asyncio.run(ingest(collection, int(number), step, int(count), told))
        finally:
            # Never back into the loop that forks.
            os._exit(0)
    os.close(told)
    with os.fdopen(heard) as lines:
        events = [json.loads(each) for each in lines]
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status), events


if __name__ == "__main__":
    for asked in sys.stdin:
        sys.stdout.write(json.dumps(child(sys.argv[1], asked)) + "\n")
        sys.stdout.flush()
