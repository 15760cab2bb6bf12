"""How the embedded index behaves in a process: what it costs to open, and who waits."""

import asyncio
from pathlib import Path

import pytest
from tantivy import Query

from services.embedded.lexical import TantivyStore
from services.embedded.lexical.engine import translated
from services.embedded.lexical.schema import chunk_schema
from services.errors import BackendUnavailable
from tests.lexical.conformance import ids
from tests.lexical.examples import entry, generation, query


async def test_reading_takes_no_writer(tmp_path: Path) -> None:
    """Opening and searching leave the writer's lock to a process that writes."""
    writing, reading = TantivyStore(tmp_path), TantivyStore(tmp_path)
    index = await writing.open(generation())
    await index.write([entry("a", "word")], [])
    other = await reading.open(generation())
    assert ids(await other.search(query("word"), 5)) == ["a"]
    await writing.close()
    await reading.close()


async def test_a_second_writer_is_told_so(tmp_path: Path) -> None:
    """Tantivy's refusal arrives as an error of the tree, and passes with the first writer."""
    first, second = TantivyStore(tmp_path), TantivyStore(tmp_path)
    await (await first.open(generation())).write([entry("a", "word")], [])
    index = await second.open(generation())
    with pytest.raises(BackendUnavailable):
        await index.write([entry("a", "word", version=2)], [])
    await first.close()
    assert await index.write([entry("a", "word", version=2)], []) == {}
    await second.close()


async def test_a_write_goes_on_when_nobody_waits_for_it(tmp_path: Path) -> None:
    """Cancelling the caller neither stops the write nor lets the next one overtake it."""
    store = TantivyStore(tmp_path)
    index = await store.open(generation())
    entries = [entry(f"doc {number}", "word " * 100) for number in range(200)]
    task = asyncio.create_task(index.write(entries, []))
    await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await index.write([entry("last", "word")], [])
    listed = await index.versions("", 1_000)
    assert len(listed) in (1, 201)  # 1 where the cancelled write had not begun
    await store.close()


async def test_searches_and_writes_run_side_by_side(tmp_path: Path) -> None:
    """Searches during writes answer from what was last committed, never from half of it."""
    store = TantivyStore(tmp_path)
    index = await store.open(generation())

    async def write() -> None:
        for version in range(1, 9):
            await index.write([entry("a", "word", "word", version=version)], [])

    writing = asyncio.create_task(write())
    while not writing.done():
        run = await index.search(query("word"), 10)
        assert len(run) in (0, 2)
        assert len({hit.version for hit in run}) <= 1
    await writing
    await store.close()


async def test_a_folder_that_cannot_be_read_is_an_error_of_the_tree(tmp_path: Path) -> None:
    """A damaged index says so as a backend that is unavailable."""
    store = TantivyStore(tmp_path)
    await store.open(generation())
    await store.close()
    (tmp_path / generation().name / "documents" / "meta.json").write_text("{")
    again = TantivyStore(tmp_path)
    with pytest.raises(BackendUnavailable):
        await again.open(generation())
    await again.close()


def test_a_panic_of_the_engine_is_an_error_of_the_tree() -> None:
    """Tantivy panics over a phrase of one word, past ``except Exception``; here it does not."""
    with pytest.raises(BackendUnavailable), translated("build a query"):
        Query.phrase_query(chunk_schema("en"), "words", ["alone"])
