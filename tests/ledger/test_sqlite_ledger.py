"""The embedded ledger: the port's rules, its format, and what a crash leaves."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.collections import Collection
from services.documents import Document
from services.embedded.ledger import SqliteLedger
from services.errors import BackendUnavailable, DataFormatUnsupported
from tests.embedded.killing import kill_after
from tests.ledger.conformance import CollectionConformance
from tests.ledger.document_conformance import DocumentConformance
from tests.ledger.examples import generation, put
from tests.ledger.key_conformance import KeyConformance
from tests.ledger.lease_conformance import AuditConformance, LeaseConformance
from tests.ledger.mark_conformance import MarkConformance
from tests.ledger.restore_conformance import RestoreConformance

_BATCH = 3
_FORMAT_1 = Path(__file__).with_name("format_1.sql")
_MODULE = "tests.ledger.test_sqlite_ledger"


class TestSqliteLedger(
    CollectionConformance,
    DocumentConformance,
    MarkConformance,
    LeaseConformance,
    AuditConformance,
    KeyConformance,
    RestoreConformance,
):
    """SQLite behind the port."""

    @pytest.fixture
    async def ledger(self, tmp_path: Path) -> AsyncIterator[SqliteLedger]:
        """A ledger in a new file."""
        ledger = await SqliteLedger.open(tmp_path / "ledger.sqlite")
        yield ledger
        await ledger.close()


async def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """It is left as it is."""
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(DataFormatUnsupported, match="format 99"):
        await SqliteLedger.open(path)


async def test_a_ledger_of_the_first_format_opens(tmp_path: Path) -> None:
    """Nothing is lost by the upgrade, and what came later works; the second time as well."""
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(_FORMAT_1.read_text("utf-8"))
    connection.close()
    for opening in range(2):
        ledger = await SqliteLedger.open(path)
        live = (await ledger.collections.head("books")).live
        assert [
            (one.document_id, one.version, one.deleted, one.state.value)
            for one in await ledger.documents.standings(live, "", 9)
        ] == [
            ("a", 1, False, "indexed"),
            ("b", 1, False, "refused"),
            ("c", 1, False, "pending"),
            ("d", 2, True, "pending"),
        ]
        records = await ledger.documents.records("books", "", 1)
        assert records[0].document == Document(
            "a", "text of a", language="en", metadata={"year": 1999}
        )
        assert len(await ledger.documents.dead_letters(live)) == 1 - opening
        await ledger.documents.drop_dead_letters(live, ["b"])
        lease = await ledger.leases.acquire("index:books", f"process {opening}", 60)
        assert lease is not None
        assert lease.fence == opening + 1  # what an ended process held is free, its fence passed
        await ledger.close()


async def test_a_file_that_is_no_ledger_is_an_error(tmp_path: Path) -> None:
    """SQLite's own errors stop at the edge."""
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a database" * 1_000)
    with pytest.raises(BackendUnavailable):
        await SqliteLedger.open(path)


async def test_a_closed_ledger_answers_no_more(tmp_path: Path) -> None:
    """Closing twice does no harm."""
    ledger = await SqliteLedger.open(tmp_path / "ledger.sqlite")
    await ledger.close()
    await ledger.close()
    with pytest.raises(BackendUnavailable):
        await ledger.ping()


async def write_for_ever(path: Path) -> None:
    """Accept and mark batch after batch, and say each number once it is acknowledged."""
    ledger = await SqliteLedger.open(path)
    live = (await ledger.collections.create(Collection("books"), generation())).live
    number = 0
    while True:
        number += 1
        names = [f"{number:06}-{part}" for part in range(_BATCH)]
        await ledger.documents.accept("books", [put(name, "text " * 500) for name in names])
        await ledger.documents.mark(live, {names[0]: 1})
        print(number, flush=True)  # noqa: T201


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """A killed process leaves whole batches: every acknowledged one, at most one more."""
    path = tmp_path / "ledger.sqlite"
    acknowledged = kill_after(_MODULE, path, 200)

    async def inspect() -> None:
        ledger = await SqliteLedger.open(path)
        live = (await ledger.collections.head("books")).live
        count = await ledger.documents.count("books")
        assert count in (acknowledged * _BATCH, (acknowledged + 1) * _BATCH)
        names = [f"{number + 1:06}-{n}" for number in range(acknowledged) for n in range(_BATCH)]
        records = await ledger.documents.read("books", names)
        assert all(record.document and record.document.text for record in records.values())
        assert list(records) == names
        waiting = await ledger.documents.waiting(live, names)
        assert waiting == {name for name in names if not name.endswith("-0")}
        await ledger.documents.accept("books", [put("later")])
        await ledger.close()

    asyncio.run(inspect())


if __name__ == "__main__":
    asyncio.run(write_for_ever(Path(sys.argv[1])))
