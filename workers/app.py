"""A worker process: one device, one model, many threads that share its passes.

A process that has touched CUDA cannot fork, and forked children could share no batch: so
the pool is threads, and a machine with two GPUs runs two workers (CUDA_VISIBLE_DEVICES).
"""

import asyncio
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from celery import Celery, signals
from celery.exceptions import SecurityWarning
from redis import Redis

from services.celery.app import INGEST, RERANK, SOCKET_TIMEOUT_S, make_app, queue_name
from services.celery.clock import BrokerClock
from services.celery.connection import BROKER_ERRORS, connect
from services.errors import BackendUnavailable, InvalidInput
from services.models.loading import load_cross_encoder
from services.models.reranker import InProcessReranker
from services.process import process_name
from services.settings import Settings
from workers.claims import Claims
from workers.health import Health, RerankSign, Sign
from workers.ingesting import TASKS_AT_ONCE, Ingesting, OpenPerformer
from workers.loop import LoopThread
from workers.scoring import Scoring
from workers.tasks import register_ingest, register_rerank

QUEUES = (RERANK, INGEST)
_RERANK_REQUESTS_AT_ONCE = 32

Say = Callable[[str], None]


def run_worker(
    settings: Settings,
    queues: Sequence[str],
    say: Say,
    concurrency: int | None,
    open_performer: OpenPerformer,
) -> int:
    """Load, warm up, then take tasks until SIGTERM or SIGINT; finishes what runs.

    Args:
        queues: names of queues, "rerank" and "ingest".
        say: told what was loaded and where.
        concurrency: requests for reranking that are worked on at once; None for the usual.
        open_performer: what ingestion is done with.

    Returns:
        The exit code.

    Raises:
        InvalidInput: no broker is set, a queue is unknown, or ingestion has no servers.
        BackendUnavailable: the broker cannot be reached.
        ModelUnavailable: there are no weights.
    """
    _check(settings, queues)
    clock = BrokerClock()
    with ExitStack() as stack:
        broker = stack.enter_context(_connected(settings.broker_url))
        app = _application(settings.broker_url)
        signs: list[Sign] = []
        threads = 0
        if RERANK in queues:
            scoring = stack.enter_context(_scoring(settings, clock, say))
            register_rerank(app, scoring, broker)
            signs.append(RerankSign(broker, scoring))
            threads += concurrency or _RERANK_REQUESTS_AT_ONCE
        if INGEST in queues:
            claims = Claims(broker, process_name())
            performing = _ingesting(settings, open_performer, claims, broker, say)
            register_ingest(app, stack.enter_context(performing), broker)
            signs.append(claims)
            threads += TASKS_AT_ONCE
        health = Health(broker, clock, signs)
        stack.callback(health.join)
        health.read_clock()
        return _consume(app, health, queues, threads, say)


def _check(settings: Settings, queues: Sequence[str]) -> None:
    if not settings.broker_url:
        raise InvalidInput(
            "A worker needs a broker: set WINNOW_BROKER_URL to a Redis server, here and for "
            "`winnow serve`."
        )
    if not queues or not set(queues) <= set(QUEUES):
        raise InvalidInput("There are two queues: say --queues rerank, ingest or rerank,ingest.")
    if INGEST in queues and not (settings.opensearch_url and settings.qdrant_url):
        raise InvalidInput(
            "A worker that ingests needs stores that several processes may write: set "
            "WINNOW_OPENSEARCH_URL and WINNOW_QDRANT_URL as for `winnow serve`. Embedded stores "
            "have one owner, which ingests itself."
        )


@contextmanager
def _connected(broker_url: str) -> Iterator[Redis]:
    with connect(broker_url, SOCKET_TIMEOUT_S) as broker:
        try:
            broker.ping()
        except BROKER_ERRORS as error:
            raise BackendUnavailable(
                f"The broker cannot be reached ({error}): check WINNOW_BROKER_URL and that Redis "
                "runs."
            ) from None
        yield broker


def _application(broker_url: str) -> Celery:
    return make_app(
        broker_url,
        worker_consumer="workers.consumer:QuickConsumer",
        # Remote control is a second way into the process, by whoever reaches the broker.
        worker_enable_remote_control=False,
        worker_enable_prefetch_count_reduction=False,
        # Threads cannot be cancelled: what runs goes on, and doing it twice does no harm.
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
    )


@contextmanager
def _scoring(settings: Settings, clock: BrokerClock, say: Say) -> Iterator[Scoring]:
    reranker = InProcessReranker(load_cross_encoder(settings))
    card = reranker.card
    say(
        f"Worker {reranker.worker} reranks with {card.name} on {card.device} "
        f"({card.runtime}, {card.precision}), {reranker.tokens_per_s:,.0f} tokens a second."
    )
    try:
        yield Scoring(reranker, clock)
    finally:
        asyncio.run(reranker.close())


@contextmanager
def _ingesting(
    settings: Settings, open_performer: OpenPerformer, claims: Claims, broker: Redis, say: Say
) -> Iterator[Ingesting]:
    with LoopThread() as loop:
        opened = open_performer(settings)
        performer = loop.run(opened.__aenter__())
        try:
            say(f"Worker {claims.worker} ingests {performer.described}.")
            yield Ingesting(performer, loop, claims, broker)
        finally:
            loop.run(opened.__aexit__(None, None, None))


def _consume(app: Celery, health: Health, queues: Sequence[str], threads: int, say: Say) -> int:
    def begin(**_: object) -> None:
        health.start()
        say("Ready: waiting for tasks (Ctrl-C stops it).")

    def leave(**_: object) -> None:
        health.leave()

    # Celery keeps weak references: these live as long as this call.
    signals.worker_ready.connect(begin)
    signals.worker_shutting_down.connect(leave)
    with warnings.catch_warnings():
        # Celery warns root of pickle, which is refused here; a container may well be root.
        warnings.simplefilter("ignore", SecurityWarning)
        worker = app.Worker(
            pool="threads",
            concurrency=threads,
            queues=[queue_name(queue) for queue in queues],
            loglevel="WARNING",
            quiet=True,
            no_color=True,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
    worker.start()
    return int(worker.exitcode or 0)
