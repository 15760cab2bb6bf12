"""What a crash leaves of a write, and what opening makes of it."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.candidates import IndexedVersion
from services.embedded.lexical import TantivyStore
from services.ports.lexical import LexicalIndex, Tombstone
from tests.lexical.conformance import ids
from tests.lexical.examples import entry, generation, query

WRITER = """
import asyncio, sys
from pathlib import Path
from services.embedded.lexical import TantivyStore
from tests.lexical.examples import entry, generation

async def main():
    index = await TantivyStore(Path(sys.argv[1])).open(generation())
    for version in range(1, 10_000):
        language = "en" if version % 2 else "de"
        texts = ["word"] * (version % 3 + 1)
        names = [f"doc {number}" for number in range(5)]
        await index.write(
            [entry(name, *texts, version=version, language=language) for name in names], []
        )
        print(version, flush=True)

asyncio.run(main())
"""
CHANGES = [["kept", 2, True], ["moved", 2, True], ["new", 1, True], ["gone", 2, False]]


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[LexicalIndex]:
    """The index under a folder, as a new process opens it."""
    store = TantivyStore(path)
    try:
        yield await store.open(generation())
    finally:
        await store.close()


async def write_first(path: Path) -> None:
    """Three documents."""
    async with opened(path) as index:
        await index.write([entry(name, "old", "old") for name in ("kept", "moved", "gone")], [])


async def write_second(path: Path) -> None:
    """Two of them changed, one in another language, one deleted, and a new one."""
    async with opened(path) as index:
        await index.write(
            [
                entry("kept", "new", version=2),
                entry("moved", "neu", version=2, language="de"),
                entry("new", "new"),
            ],
            [Tombstone("gone", 2)],
        )


@pytest.mark.parametrize(
    "committed",
    [
        (),
        ("chunks-en",),
        ("chunks-de",),
        ("chunks-en", "chunks-de"),
        ("chunks-en", "chunks-de", "documents"),
    ],
    ids=str,
)
async def test_a_crash_between_commits_is_repaired(
    tmp_path: Path, committed: tuple[str, ...]
) -> None:
    """Whatever was committed, chunks and rows agree again and the write can be repeated."""
    before, after = tmp_path / "before", tmp_path / "after"
    await write_first(before)
    shutil.copytree(before, after)
    await write_second(after)
    folder = before / generation().name
    for name in committed:
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(after / generation().name / name, folder / name)
    (folder / "journal.json").write_text(json.dumps(CHANGES))

    async with opened(before) as index:
        listed = await index.versions("", 10)
        found = await index.search(query("old new neu"), 100)
        assert {(hit.ref.document_id, hit.version) for hit in found} == {
            (held.document_id, held.version) for held in listed
        }
        assert "gone" not in {held.document_id for held in listed}
        assert not (folder / "journal.json").exists()
        await index.write([entry("gone", "old")], [])
        assert "gone" not in ids(await index.search(query("old"), 100))

    await write_second(before)
    async with opened(before) as index, opened(after) as expected:
        assert await index.versions("", 10) == await expected.versions("", 10)
        assert await index.versions("", 10) == [
            IndexedVersion("kept", 2, 1),
            IndexedVersion("moved", 2, 1),
            IndexedVersion("new", 1, 1),
        ]
        assert sorted(ids(await index.search(query("new neu"), 10))) == ["kept", "moved", "new"]


async def test_a_killed_writer_leaves_an_index_that_agrees_with_itself(tmp_path: Path) -> None:
    """After SIGKILL amid writes every listed document has just its version's chunks."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WRITER, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    acknowledged = [await process.stdout.readline() for _ in range(3)]
    process.kill()
    await process.wait()
    async with opened(tmp_path) as index:
        listed = await index.versions("", 100)
        found = await index.search(query("word"), 100)
        assert sorted((hit.ref.document_id, hit.version) for hit in found) == sorted(
            (held.document_id, held.version) for held in listed for _ in range(held.chunks)
        )
        floor = int(acknowledged[-1])
        assert all(held.version >= floor for held in listed)
        await index.write([entry(f"doc {number}", "x", version=99_999) for number in range(5)], [])
        assert await index.search(query("word"), 100) == []
        assert len(await index.versions("", 100)) == 5


async def test_everything_outlives_the_process(tmp_path: Path) -> None:
    """Words of every analyzer, columns and tombstones are there at the next opening."""
    async with opened(tmp_path) as index:
        await index.write(
            [
                entry("a", "running foxes", metadata={"year": 2026}),
                entry("b", "die Häuser", language="de"),
                entry("c", "东京都", language="zh"),
            ],
            [Tombstone("d", 3)],
        )
    async with opened(tmp_path) as index:
        for word, name in (("fox", "a"), ("haus", "b"), ("东京", "c")):
            assert ids(await index.search(query(word), 5)) == [name]
        assert (await index.survey(query(), {"year": None})).facets["year"][0].value == 2026
        await index.write([entry("d", "late", version=2)], [])
        assert await index.search(query("late"), 5) == []


async def test_files_of_a_commit_that_was_not_finished_are_no_hindrance(tmp_path: Path) -> None:
    """Tantivy would make the same files again at the same commit, and overwrites none."""
    before, after = tmp_path / "before", tmp_path / "after"
    async with opened(before) as index:
        await index.write([entry("a", "word"), entry("b", "word")], [])
    shutil.copytree(before, after)
    async with opened(after) as index:
        await index.write([], [Tombstone("a", 2)])
    left = [
        path for path in after.rglob("*.del") if not (before / path.relative_to(after)).exists()
    ]
    assert left
    for path in [*left, *after.rglob(".managed.json")]:
        shutil.copy(path, before / path.relative_to(after))
    async with opened(before) as index:
        await index.write([], [Tombstone("a", 2)])
        assert ids(await index.search(query("word"), 10)) == ["b"]
