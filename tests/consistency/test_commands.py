"""The commands of consistency: a few as real processes, the rest by what stands behind them."""

import getpass
import io
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from rich.console import Console

from cli import consistency
from cli.backend import JsonObject, open_backend
from cli.consistency import SHOWN
from indexer.draft import Draft
from services.errors import CollectionNotFound, InvalidInput, NotFound
from tests.cli.test_serving import serving
from tests.conftest import Winnow, winnow_in
from tests.indexer.conftest import settings_in

_NOTES = [
    {"id": "a", "text": "A zebra has stripes.", "day": "2026-05-01"},
    {"id": "b", "text": "An okapi has stripes too."},
]


@pytest.fixture
def stocked(winnow: Winnow) -> Winnow:
    """A data directory with two documents."""
    (winnow.folder / "notes.jsonl").write_text("\n".join(map(json.dumps, _NOTES)))
    assert winnow("ingest", "notes.jsonl").code == 0
    return winnow


def bury(data_dir: Path, *ids: str) -> None:
    """Dead letters, as indexing leaves them."""
    with sqlite3.connect(data_dir / "ledger.sqlite") as connection:
        connection.executemany(
            "INSERT INTO dead_letters (generation, document, version, reason, at) "
            "SELECT 1, key, version, 'odd', '2026-01-01T00:00:00+00:00' FROM documents "
            "WHERE id = ?",
            [(identifier,) for identifier in ids],
        )
    connection.close()


def test_wiped_engines_are_found_and_filled(stocked: Winnow) -> None:
    """Verification fails, reconciliation mends, and then all agree."""
    for part in ("lexical", "vectors"):
        shutil.rmtree(stocked.data_dir / part)
    found = stocked("admin", "verify", "--json")
    assert found.code == 1
    (generation,) = found.json()["generations"]
    assert generation["counts"] == [
        {"engine": engine, "kind": "missing", "count": 2} for engine in ("text", "vectors")
    ]
    assert generation["discrepancies"][0]["id"] == "a"
    mended = stocked("admin", "reconcile")
    assert mended.code == 0
    assert "2 documents indexed again, 0 in a new version. All agree now." in mended.err
    assert all(stage in mended.err for stage in ("Comparing", "Indexing"))
    clean = stocked("admin", "verify")
    assert (clean.code, "2 documents compared, all agree" in clean.out) == (0, True)
    assert clean.err.startswith("Comparing")
    assert "2 of 2 documents" in clean.err


def test_a_backup_makes_another_installation(stocked: Winnow, tmp_path: Path) -> None:
    """Through a file and a pipe; the documents are found there at once."""
    done = stocked("admin", "backup", "notes.backup", "--json")
    assert done.code == 0, done.err
    path = stocked.folder / "notes.backup"
    assert done.json() == {"file": "notes.backup", "bytes": path.stat().st_size}
    (tmp_path / "other").mkdir()
    other = winnow_in(tmp_path / "other")
    restored = other("admin", "restore", "-", "--json", stdin=path.read_bytes())
    assert restored.code == 0, restored.err
    assert restored.json() == {"collections": ["default"], "records": 2, "stored": 2}
    assert other("search", "stripes", "--json").json()["total"]["value"] == 2


def test_a_server_does_the_same(stocked: Winnow) -> None:
    """Commands find it, and the log names who asked."""
    bury(stocked.data_dir, "b")
    with serving(stocked):
        told = stocked("admin", "verify")
        assert (told.code, "2 of 2 documents" in told.err) == (0, True)
        assert stocked("admin", "verify", "-c", "absent").code == 1
        mended = stocked("admin", "reconcile")
        assert (mended.code, "2 of 2 documents" in mended.err) == (0, True)
        retried = stocked("admin", "dead-letters", "retry", "--all", "--json")
        assert retried.json() == {"retried": 1, "dead_letters": []}
        assert stocked("admin", "backup", "b").code == 0
        assert stocked("admin", "backup", "c", "-c", "absent").code == 1
        assert stocked("admin", "restore", "b", "--json").json()["stored"] == 0
        log = stocked("admin", "audit", "--json").json()
    assert not (stocked.folder / "c").exists()
    assert [(each["action"], each["outcome"]) for each in log] == [
        ("restore", "done"),
        ("backup", "refused"),
        ("backup", "done"),
        ("retry", "done"),
        ("reconcile", "done"),
        ("create-collection", "done"),
    ]
    assert {each["who"] for each in log[:-1]} == {"no key from 127.0.0.1"}


async def _store(folder: Path, count: int) -> None:
    """So many documents, indexed."""
    async with open_backend(settings_in(folder)) as backend:
        await backend.ensure_collection("default")
        drafts = [Draft(f"{number:03}", f"Text {number}") for number in range(count)]
        await backend.put("default", drafts)
        await backend.index("default", lambda _: None)


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def _shown(answer: JsonObject) -> str:
    """A comparison as people see it."""
    console = Console(width=120, record=True, file=io.StringIO())
    consistency.show_verified(answer, console)
    return console.export_text()


async def test_a_long_comparison_shows_its_beginning(tmp_path: Path) -> None:
    """Counts of all, a row for each of the first."""
    settings = settings_in(tmp_path)
    await _store(tmp_path, SHOWN)
    shutil.rmtree(tmp_path / "vectors")
    shutil.rmtree(tmp_path / "lexical")
    text = _shown(await consistency.verify(settings, "default", ""))
    assert f"{SHOWN} documents compared, {2 * SHOWN} discrepancies" in text
    assert text.count("nothing of it is there") == SHOWN
    assert f"The first {SHOWN}; --json names more." in text
    for part in ("absent", "default"):
        with pytest.raises((CollectionNotFound, NotFound)):
            await consistency.verify(settings, part, "absent")


async def test_dead_letters_are_listed_retried_and_dropped(tmp_path: Path) -> None:
    """One is tried again and found well, the other is taken off the list."""
    settings = settings_in(tmp_path)
    await _store(tmp_path, 2)
    bury(tmp_path, "000", "001")
    listed = (await consistency.dead_letters(settings, "default", ""))["dead_letters"]
    assert [(each["id"], each["reason"]) for each in listed] == [("000", "odd"), ("001", "odd")]
    for ids, every in (([], False), (["000"], True)):
        with pytest.raises(InvalidInput):
            await consistency.take(settings, "retry", "default", "", ids, every=every)
    retried = await consistency.take(
        settings, "retry", "default", "", ["000", "absent"], every=False
    )
    assert retried["retried"] == 1
    assert [each["id"] for each in retried["dead_letters"]] == ["001"]
    assert await consistency.take(settings, "drop", "default", "", [], every=True) == {"dropped": 1}
    assert not (await consistency.dead_letters(settings, "default", ""))["dead_letters"]
    assert (await consistency.verify(settings, "default", ""))["clean"]
    log = await consistency.audit(settings, "default", 10)
    assert [(each["action"], each["detail"]) for each in log] == [
        ("drop", "1 documents"),
        ("retry", "1 documents"),
        ("create-collection", ""),
    ]
    assert {each["who"].rpartition("@")[0] for each in log} == {getpass.getuser()}


def test_the_log_tells_when_what_and_who() -> None:
    """A line each, whole where it fits nowhere; what is not known is left out."""
    entry = {
        "at": "2026-05-01T12:30:05.25+02:00",
        "who": "admin key from 192.0.2.7",
        "action": "activate",
        "collection": "books",
        "generation": "g0002-3de5f55cff4d-370375",
        "outcome": "refused",
        "detail": "contents: 3 faults",
    }
    backup = entry | {"action": "backup", "collection": "", "generation": "", "detail": ""}
    console = Console(width=100, record=True, file=io.StringIO())
    consistency.show_audit([entry, backup], console)
    assert [line.rstrip() for line in console.export_text().splitlines()] == [
        "2026-05-01 10:30:05 · activate · books/g0002-3de5f55cff4d-370375 · refused · "
        "admin key from",
        "192.0.2.7",
        "    contents: 3 faults",
        "2026-05-01 10:30:05 · backup · refused · admin key from 192.0.2.7",
    ]


async def test_a_backup_that_breaks_off_leaves_the_one_before(tmp_path: Path) -> None:
    """A file takes its name when it is whole; what cannot be written is a usage error."""
    settings = settings_in(tmp_path / "data")
    await _store(tmp_path / "data", 1)
    target = tmp_path / "kept"
    target.write_bytes(b"before")
    with pytest.raises(CollectionNotFound):
        await consistency.back_up(settings, str(target), ["absent"])
    assert target.read_bytes() == b"before"
    with pytest.raises(InvalidInput):
        await consistency.back_up(settings, str(tmp_path / "none" / "such"), [])
    with pytest.raises(InvalidInput):
        await consistency.restore(settings, str(tmp_path / "none"))
    written = await consistency.back_up(settings, str(target), ["default"])
    assert written["bytes"] == target.stat().st_size > len(b"before")
    assert _names(tmp_path) == ["data", "kept"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Ledger and engines agree; nothing was written."),
        (
            {"found": {"g": 1_200}, "unmarked": 1_100, "clean": True},
            "1,200 discrepancies: 1,100 documents indexed again, 0 in a new version. "
            "All agree now.",
        ),
        (
            {"found": {"g": 1}, "superseded": 1},
            "1 discrepancies: 0 documents indexed again, 1 in a new version. "
            "Some are left: run it again.",
        ),
        (
            {"found": {"g": 1}, "unmarked": 1, "waiting": "No model."},
            "1 discrepancies: 1 documents indexed again, 0 in a new version. "
            "They wait to be indexed: No model.",
        ),
    ],
)
def test_a_reconciliation_is_told_in_a_sentence(changes: JsonObject, sentence: str) -> None:
    """What was found, what was written, whether it is well now."""
    done = {"found": {}, "unmarked": 0, "superseded": 0, "clean": False, "waiting": ""}
    assert consistency.told(done | changes) == sentence
