"""Winnow in a process of its own, which does what it is told until it is killed.

Processes are forked from one that has imported everything, so that a kill and a new start
cost milliseconds.
"""

import asyncio
import importlib
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from indexer.draft import Draft
from indexer.generations.orders import Order
from indexer.generations.planning import Changes
from indexer.service import Indexer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import Services, open_services
from services.candidates import IndexedVersion
from services.errors import WinnowError
from services.generations import GenerationState
from services.ports.lexical import Tombstone
from services.settings import Settings
from tests.proof.plants import PLANTS
from tests.proof.taps import Killer, tapped

# Imported where they are needed, and so by each process anew unless the first has them.
for _needed in ("services.embedded.lexical", "services.embedded.vectors",
                "services.models.embedder", "services.models.loading",
                "services.models.reranker", "services.analysis.detect",
                "services.opensearch.opening", "services.qdrant.opening"):  # fmt: skip
    importlib.import_module(_needed)

COLLECTION = "proof"
WHO = "proof"
ANSWER_S = 100.0


def forking() -> ForkServerContext:
    """Starts processes from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.proof.host"])
    return context


class Killed(Exception):
    """The process died before it answered: whether it did what it was told, nobody knows."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An error of Winnow's own, as the caller of a command sees it."""

    kind: str
    detail: str


class Host:
    """The process, seen from outside. Every command is one method of :class:`Commands`."""

    def __init__(self, settings: Mapping[str, Any], plant: str = "") -> None:
        self._settings = dict(settings)
        self._plant = plant
        self._process: Any = None
        self._pipe: Connection | None = None

    def start(self, **changes: Any) -> None:
        """Start, with changed settings, and wait until the stores are open."""
        self._settings |= changes
        context = forking()
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, self._settings, self._plant), daemon=True
        )
        self._process.start()
        theirs.close()
        assert self._receive() == "ready"

    def send(self, command: str, **arguments: Any) -> None:
        """Tell it to do something; :meth:`receive` waits for the end."""
        assert self._pipe is not None
        try:
            self._pipe.send((command, arguments))
        except OSError:
            raise Killed(command) from None

    def receive(self) -> Any:
        """What came of it: a value or Refused.

        Raises:
            Killed: it died meanwhile.
        """
        return self._receive()

    def __call__(self, command: str, **arguments: Any) -> Any:
        """Tell it and wait."""
        self.send(command, **arguments)
        return self.receive()

    @property
    def alive(self) -> bool:
        """Whether it has not died yet."""
        return self._process is not None and self._process.is_alive()

    @property
    def stopped(self) -> bool:
        """Whether it was stopped, and does nothing until it is told to go on."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text("ascii")
        return stat.rpartition(") ")[2].startswith("T")

    def go_on(self) -> None:
        """Let it go on after it was stopped."""
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _receive(self) -> Any:
        assert self._pipe is not None
        try:
            if not self._pipe.poll(ANSWER_S):
                raise AssertionError(f"The process did not answer within {ANSWER_S:g} s.")
            answer = self._pipe.recv()
        except (EOFError, OSError):
            raise Killed from None
        if isinstance(answer, Exception):
            raise answer
        return answer


def serve(pipe: Connection, settings: Mapping[str, Any], plant: str) -> None:
    """The process itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        asyncio.run(_serve(pipe, settings, plant))
    except EOFError:
        return  # whoever started it is gone


async def _serve(pipe: Connection, settings: Mapping[str, Any], plant: str) -> None:
    async with open_services(Settings(_env_file=None, **settings)) as opened:  # type: ignore[call-arg]
        commands = Commands(opened, plant)
        pipe.send("ready")
        try:
            while True:
                name, arguments = await asyncio.to_thread(pipe.recv)
                pipe.send(await commands.outcome(name, arguments))
        finally:
            await commands.close()


class Commands:
    """What may be told to the process; results are plain values."""

    def __init__(self, services: Services, plant: str) -> None:
        planted = PLANTS[plant]() if plant else None
        self._killer = Killer(planted)
        self._bare = services
        self._services = tapped(services, self._killer)
        self._indexer = Indexer(self._services, checkpoint=self._killer.step)
        key = {"key": planted.key} if planted is not None and planted.key is not None else {}
        self._search = SearchService(self._services, **key)

    async def close(self) -> None:
        """Let threads end."""
        await self._indexer.close()

    async def outcome(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """A command's value, Refused, or the exception that should not have been."""
        command: Callable[..., Awaitable[Any]] = getattr(self, name)
        try:
            return await command(**arguments)
        except WinnowError as error:
            return Refused(type(error).__name__, error.detail)
        except Exception as error:  # noqa: BLE001  # the test is to fail, not this process
            return AssertionError(f"{name} raised {type(error).__name__}: {error}")

    async def arm(self, point: str, count: int, number: int = signal.SIGKILL) -> None:
        """Die, or be stopped, at a fault point."""
        self._killer.arm(point, count, signal.Signals(number))

    async def run(self) -> None:
        """Index in the background from now on."""
        self._indexer.start()

    async def create(self) -> None:
        """The collection, where there is none."""
        await self._indexer.ensure_collection(COLLECTION)

    async def put(self, documents: Mapping[str, str]) -> None:
        """Store texts by id."""
        drafts = [Draft(key, text, language="en") for key, text in documents.items()]
        await self._indexer.put(COLLECTION, drafts)

    async def delete(self, ids: list[str]) -> None:
        """Delete documents."""
        await self._indexer.delete(COLLECTION, ids)

    async def drain(self) -> None:
        """Bring every generation up to the ledger, and complete builds."""
        await self._indexer.index_pending(COLLECTION)

    async def search(self, **request: Any) -> dict[str, Any]:
        """An answer."""
        asked = SearchRequest.model_validate(request)
        return (await self._search.search(COLLECTION, asked)).model_dump(mode="json")

    async def reindex(self, model: str | None, chunk_tokens: int | None, activate: bool) -> str:
        """Begin a generation; its id."""
        changes = Changes(model=model, chunk_tokens=chunk_tokens)
        order = Order(changes, activate=activate)
        return (await self._indexer.generations.start(COLLECTION, order, WHO)).id

    async def activate(self, identifier: str) -> str:
        """Switch; the live generation's id."""
        return (await self._indexer.generations.activate(COLLECTION, identifier, WHO)).id

    async def rollback(self) -> str:
        """Switch back; the live generation's id."""
        return (await self._indexer.generations.rollback(COLLECTION, WHO)).id

    async def cancel(self, identifier: str) -> None:
        """Give up a build."""
        await self._indexer.generations.cancel(COLLECTION, identifier, WHO)

    async def gc(self) -> list[str]:
        """Remove what is past its grace period; the ids."""
        return list((await self._indexer.generations.garbage.collect(COLLECTION, WHO)).generations)

    async def reconcile(self) -> tuple[int, bool]:
        """How many repairs, and whether the last look was clean."""
        done = await self._indexer.consistency.reconcile(COLLECTION, WHO)
        return done.repairs.unmarked + done.repairs.superseded, done.clean

    async def verify(self) -> list[tuple[str, int, int]]:
        """Each kept generation's id, discrepancies and documents on their way."""
        found = await self._indexer.consistency.verify(COLLECTION)
        return [(each.generation.id, each.total, each.pending) for each in found]

    async def generations(self) -> list[tuple[str, str, str]]:
        """Each generation's id, state and encoder."""
        kept = await self._bare.ledger.collections.generations(COLLECTION)
        return [
            (each.id, str(each.state), each.fingerprint.encoder.model)
            for each in kept
            if each.fingerprint.encoder is not None
        ]

    async def documents(self) -> dict[str, str]:
        """The ledger's live texts by id."""
        records = await self._bare.ledger.documents.records(COLLECTION, "", 10_000)
        return {each.document_id: each.document.text for each in records if each.document}

    async def held(self) -> dict[str, tuple[list[IndexedVersion], list[IndexedVersion]]]:
        """What both engines hold, by generation."""
        found = {}
        for each in await self._bare.ledger.collections.generations(COLLECTION):
            lexical = await self._bare.lexical.open(each)
            vectors = await self._bare.vectors.open(each)
            found[each.id] = (
                list(await lexical.versions("", 10_000)), list(await vectors.versions("", 10_000)),
            )  # fmt: skip
        return found

    async def forge(self, identifier: str, text: str) -> None:
        """Store a text and say that it is indexed everywhere, though it is not."""
        await self.put({identifier: text})
        ledger = self._bare.ledger
        version = (await ledger.documents.read(COLLECTION, [identifier]))[identifier].version
        for each in await ledger.collections.generations(COLLECTION):
            if each.state is not GenerationState.DISCARDED:
                await ledger.documents.mark(each, {identifier: version})

    async def damage(self, identifier: str, engine: str) -> None:
        """Take a document out of one engine of the live generation, behind the ledger's back."""
        ledger = self._bare.ledger
        live = (await ledger.collections.head(COLLECTION)).live
        record = (await ledger.documents.read(COLLECTION, [identifier]))[identifier]
        store: Any = self._bare.lexical if engine == "lexical" else self._bare.vectors
        await (await store.open(live)).write((), [Tombstone(identifier, record.version + 1)])
