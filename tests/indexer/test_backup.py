"""A backup is enough to rebuild everything, and a damaged one changes nothing."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.consistency.backup import backup
from indexer.consistency.backup_format import dump_record, encoded, load_record
from indexer.consistency.restoring import BackupDamaged, restore
from indexer.draft import Draft
from indexer.service import Indexer
from indexer.verification import verify
from services.assembly import Services, open_services
from services.collections import Collection, FieldType
from services.documents import Document, Heading
from services.embedded.ledger import SqliteLedger
from services.errors import CollectionNotFound, DataFormatUnsupported, SchemaConflict
from services.ports.ledger import Ledger, Record
from tests.indexer.conftest import settings_in
from tests.indexer.stacks import check_congruent, state_of
from tests.ledger.examples import delete, generation, put


async def write_backup(ledger: Ledger, path: Path, *names: str) -> Path:
    """A backup in a file."""
    content = b"".join([part async for part in backup(ledger, names)])
    await asyncio.to_thread(path.write_bytes, content)
    return path


async def contents(ledger: Ledger) -> dict[str, list[Record]]:
    """Every record of every collection."""
    return {
        each.name: list(await ledger.documents.records(each.name, "", 10_000))
        for each in await ledger.collections.list()
    }


@pytest.fixture
async def filled(services: Services, indexer: Indexer) -> Services:
    """Two collections with changes and deletions, indexed."""
    await indexer.declare("books", {"year": FieldType.INTEGER}, "en")
    drafts = [
        Draft(f"{number:03}", f"Text {number} \ud800" * 50, metadata={"year": number})
        for number in range(30)
    ]
    await indexer.put("books", drafts)
    await indexer.put("books", [Draft("001", "Changed")])
    await indexer.delete("books", ["002"])
    await indexer.create_collection("maps")
    await indexer.put("maps", [Draft("m", "Karte der Stadt", language="de")])
    await indexer.index_pending("books")
    return services


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """Another ledger, without anything in it."""
    ledger = await SqliteLedger.open(tmp_path / "other" / "ledger.sqlite")
    yield ledger
    await ledger.close()


async def test_an_empty_data_directory_is_rebuilt(filled: Services, tmp_path: Path) -> None:
    """Documents, versions, tombstones, schemas; both engines by indexing."""
    path = await write_backup(filled.ledger, tmp_path / "backup")
    before = await state_of(filled, "books")
    async with open_services(settings_in(tmp_path / "new")) as services:
        indexer = Indexer(services)
        seen: list[int] = []
        restored = await restore(services.ledger, path, seen.append)
        assert (restored.collections, restored.records, restored.stored) == (
            ("books", "maps"),
            31,
            31,
        )
        assert seen[-1] == 31
        assert await contents(services.ledger) == await contents(filled.ledger)
        for name in restored.collections:
            given = await filled.ledger.collections.get(name)
            assert await services.ledger.collections.get(name) == given
            await indexer.index_pending(name)
            live = (await services.ledger.collections.head(name)).live
            built_with = (await filled.ledger.collections.head(name)).live
            assert live.fingerprint == built_with.fingerprint
            assert live.id != built_with.id
            assert not (await verify(services, live)).total
        after = await state_of(services, "books")
        check_congruent(after)
        assert (after.ledger, after.chunks) == (before.ledger, before.chunks)
        assert (await restore(services.ledger, path)).stored == 0
        await indexer.close()


async def test_wiped_engines_are_rebuilt(filled: Services, indexer: Indexer) -> None:
    """With the ledger alone, by reconciliation; no document takes another version."""
    before = await state_of(filled, "books")
    live = (await filled.ledger.collections.head("books")).live
    await filled.lexical.drop(live)
    await filled.vectors.drop(live)
    done = await indexer.consistency.reconcile("books", "test")
    assert (done.clean, done.waiting, done.repairs.unmarked) == (True, "", 29)
    assert await state_of(filled, "books") == before
    entry, *_ = await indexer.consistency.audit("books", 10)
    assert (entry.who, entry.action, entry.outcome) == ("test", "reconcile", "done")


async def test_newer_records_win(filled: Services, tmp_path: Path, empty: SqliteLedger) -> None:
    """A ledger that went on since keeps what it has; what it lacks comes back."""
    path = await write_backup(filled.ledger, tmp_path / "backup", "books")
    await empty.collections.create(Collection("books"), generation())
    await empty.documents.accept("books", [put("000", "1"), put("000", "2"), delete("000")])
    await empty.documents.accept("books", [put("own")])
    restored = await restore(empty, path)
    assert (restored.records, restored.stored) == (30, 29)
    records = await empty.documents.read("books", ["000", "own", "001"])
    assert {name: record.version for name, record in records.items()} == {
        "000": 3,
        "own": 1,
        "001": 2,
    }
    assert (await empty.collections.get("books")).schema.fields == {"year": FieldType.INTEGER}


async def test_a_conflicting_schema_refuses_the_whole(
    filled: Services, tmp_path: Path, empty: SqliteLedger
) -> None:
    """Nothing of any collection is stored."""
    path = await write_backup(filled.ledger, tmp_path / "backup", "maps", "books")
    await empty.collections.create(Collection("books"), generation())
    schema = (await empty.collections.get("books")).schema.declare({"year": FieldType.DATE})
    await empty.collections.extend_schema(Collection("books", schema))
    with pytest.raises(SchemaConflict):
        await restore(empty, path)
    assert await contents(empty) == {"books": []}


async def test_a_collection_that_is_not_there_is_an_error(filled: Services) -> None:
    """Before anything is given."""
    with pytest.raises(CollectionNotFound):
        await anext(backup(filled.ledger, ["absent"]))


async def test_what_is_damaged_is_refused_whole(
    filled: Services, tmp_path: Path, empty: SqliteLedger
) -> None:
    """Cut short, changed, or no backup at all: nothing is stored."""
    whole = (await write_backup(filled.ledger, tmp_path / "backup")).read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    damaged = [
        b"",
        b"no backup",
        gzip.compress(b"no backup"),
        gzip.compress(b"{}\n"),
        gzip.compress(b'{"winnow_backup": 1}\n[]\n'),
        whole[: len(whole) // 2],
        whole[:-9],
        flipped,
        gzip.compress(b"".join(lines[:-1])),
        gzip.compress(b"".join([*lines[:5], *lines[6:]])),
        gzip.compress(b"".join([*lines, lines[-1]])),
        gzip.compress(b"".join(lines).replace(b"Changed", b"changed")),
    ]
    path = tmp_path / "damaged"
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(BackupDamaged, match="Nothing was restored"):
            await restore(empty, path)
    assert await contents(empty) == {}


async def test_a_newer_format_is_refused(tmp_path: Path, empty: SqliteLedger) -> None:
    """It says which Winnow wrote it."""
    path = tmp_path / "backup"
    path.write_bytes(gzip.compress(encoded({"winnow_backup": 99, "version": "9.9"})))
    with pytest.raises(DataFormatUnsupported, match=r"Winnow 9\.9"):
        await restore(empty, path)


async def test_writes_meanwhile_do_not_spoil_it(
    filled: Services, indexer: Indexer, tmp_path: Path, empty: SqliteLedger
) -> None:
    """Whatever was acknowledged before it began is in it, or something newer."""
    before = await contents(filled.ledger)
    parts: list[bytes] = []
    async for part in backup(filled.ledger):
        parts.append(part)
        await indexer.put("books", [Draft("001", f"During {len(parts)}"), Draft("new", "New")])
    path = tmp_path / "backup"
    path.write_bytes(b"".join(parts))
    await restore(empty, path)
    after = {record.document_id: record for record in (await contents(empty))["books"]}
    assert all(after[record.document_id].version >= record.version for record in before["books"])


_TEXTS = st.text(st.characters(codec=None), max_size=20)


@given(
    st.builds(
        Record,
        _TEXTS,
        st.integers(1, 2**62),
        st.none()
        | st.builds(
            Document,
            st.just(""),
            _TEXTS,
            _TEXTS,
            _TEXTS,
            _TEXTS,
            st.dictionaries(
                _TEXTS,
                _TEXTS
                | st.integers(-(2**63), 2**63 - 1)
                | st.booleans()
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.tuples(st.datetimes(timezones=st.just(UTC))),
                max_size=3,
            ),
            st.tuples(_TEXTS),
            st.tuples(st.builds(Heading, st.integers(0, 99), st.integers(1, 6), _TEXTS)),
        ),
        st.just(datetime(2026, 1, 1, tzinfo=UTC)),
    )
)
def test_records_come_back_as_they_were(record: Record) -> None:
    """Any text, any value, types kept apart."""
    if record.document is not None:
        object.__setattr__(record.document, "id", record.document_id)
    line = encoded(dump_record(record))
    assert line.isascii()
    assert load_record(json.loads(line)) == record
