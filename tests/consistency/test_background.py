"""Reconciliation by itself: faults go without anybody asking, once in an interval."""

import asyncio
from pathlib import Path

from indexer.consistency.background import BackgroundReconciliation
from indexer.draft import Draft
from indexer.draining import Drainer
from indexer.pipeline import no_checkpoint
from indexer.service import Indexer
from services.assembly import open_services
from tests.indexer.conftest import settings_in

_PATIENCE_S = 60


async def test_faults_go_by_themselves(tmp_path: Path) -> None:
    """A wiped engine is filled while Winnow serves, and the log says who did it."""
    settings = settings_in(tmp_path, reconcile_interval_s=1)
    async with open_services(settings) as services, Indexer(services) as indexer:
        await indexer.create_collection("books")
        await indexer.put("books", [Draft("a", "Boats"), Draft("b", "Trains")])
        await indexer.settle("books", {"a": 1, "b": 1}, _PATIENCE_S)
        live = (await services.ledger.collections.head("books")).live
        await services.vectors.drop(live)
        async with asyncio.timeout(_PATIENCE_S):
            while len(log := await services.ledger.audit.read("books")) < 2:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.05)
        entry, made = log
        assert made.action == "create-collection"
        assert (entry.who, entry.action, entry.outcome) == ("winnow", "reconcile", "done")
        assert entry.detail.startswith("2 discrepancies, 2 documents to be indexed again")
        await indexer.settle("books", {"a": 1, "b": 1}, _PATIENCE_S)
        assert not (await indexer.consistency.verify("books"))[0].total


async def test_one_process_walks_in_an_interval(tmp_path: Path) -> None:
    """Whichever comes first; a collection that is gone, or a ledger that is, ends nothing."""
    async with open_services(settings_in(tmp_path)) as services:
        indexer = Indexer(services)
        await indexer.create_collection("books")
        walkers = [BackgroundReconciliation(services, Drainer(services, no_checkpoint))] * 2
        assert [await each.turn("books") for each in walkers] == [True, False]
        assert not await walkers[0].turn("absent")
        (made,) = await services.ledger.audit.read()
        assert made.action == "create-collection"
        await indexer.close()


async def test_an_interval_of_zero_never_walks(tmp_path: Path) -> None:
    """Then it is for whoever asks."""
    async with open_services(settings_in(tmp_path, reconcile_interval_s=0)) as services:
        drainer = Drainer(services, no_checkpoint)
        await BackgroundReconciliation(services, drainer).run()
