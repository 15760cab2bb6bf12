"""A worker process: one device, one model, many threads that share its passes.

A process that has touched CUDA cannot fork, and forked children could share no batch: so
the pool is threads, and a machine with two GPUs runs two workers (CUDA_VISIBLE_DEVICES).
"""

import asyncio
import warnings
from collections.abc import Callable, Sequence

from celery import Celery, signals
from celery.exceptions import SecurityWarning

from services.celery.app import RERANK, SOCKET_TIMEOUT_S, make_app, queue_name
from services.celery.clock import BrokerClock
from services.celery.connection import BROKER_ERRORS, connect
from services.errors import BackendUnavailable, InvalidInput
from services.models.loading import load_cross_encoder
from services.models.reranker import InProcessReranker
from services.settings import Settings
from workers.health import Health
from workers.scoring import Scoring
from workers.tasks import register_rerank


def run_worker(
    settings: Settings,
    queues: Sequence[str],
    say: Callable[[str], None],
    concurrency: int,
) -> int:
    """Load, warm up, then take tasks until SIGTERM or SIGINT; finishes what runs.

    Args:
        queues: names of queues, of which there is "rerank".
        say: told what was loaded and where.
        concurrency: requests that are worked on at once.

    Returns:
        The exit code.

    Raises:
        InvalidInput: no broker is set, or a queue is unknown.
        BackendUnavailable: the broker cannot be reached.
        ModelUnavailable: there are no weights.
    """
    _check(settings, queues)
    broker = connect(settings.broker_url, SOCKET_TIMEOUT_S)
    try:
        broker.ping()
    except BROKER_ERRORS as error:
        raise BackendUnavailable(
            f"The broker cannot be reached ({error}): check WINNOW_BROKER_URL and that Redis runs."
        ) from None
    reranker = InProcessReranker(load_cross_encoder(settings))
    card = reranker.card
    say(
        f"Worker {reranker.worker} reranks with {card.name} on {card.device} "
        f"({card.runtime}, {card.precision}), {reranker.tokens_per_s:,.0f} tokens a second."
    )
    clock = BrokerClock()
    scoring = Scoring(reranker, clock)
    health = Health(broker, scoring, clock)
    app = make_app(
        settings.broker_url,
        worker_consumer="workers.consumer:QuickConsumer",
        # Remote control is a second way into the process, by whoever reaches the broker.
        worker_enable_remote_control=False,
        worker_enable_prefetch_count_reduction=False,
        # Of tasks that are acknowledged late, of which there are none; Celery warns otherwise.
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
    )
    register_rerank(app, scoring, broker)
    try:
        health.read_clock()
        return _consume(app, health, queues, concurrency, say)
    finally:
        health.join()
        asyncio.run(reranker.close())
        broker.close()


def _check(settings: Settings, queues: Sequence[str]) -> None:
    if not settings.broker_url:
        raise InvalidInput(
            "A worker needs a broker: set WINNOW_BROKER_URL to a Redis server, here and for "
            "`winnow serve`."
        )
    if list(queues) != [RERANK]:
        raise InvalidInput(
            f"Workers of this version take one queue, {RERANK}: say --queues {RERANK}. "
            "Ingestion runs inside `winnow serve`."
        )


def _consume(
    app: Celery, health: Health, queues: Sequence[str], concurrency: int, say: Callable[[str], None]
) -> int:
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
            concurrency=concurrency,
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
