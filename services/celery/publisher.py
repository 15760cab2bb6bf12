"""Sends tasks from a few threads: Celery's publishing blocks, and a hung broker with it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from kombu.exceptions import OperationalError

from services.celery.app import make_app, queue_name
from services.celery.connection import BROKER_ERRORS
from services.errors import BackendUnavailable, Overloaded

THREADS = 4
# What a broker that hangs costs a query.
PUBLISH_S = 0.5
# Tasks that wait for a thread: past that, more come than can be sent.
MAX_WAITING = 64


class Publisher:
    """Puts tasks into the broker's queues; used on one event loop."""

    def __init__(self, broker_url: str) -> None:
        self._app = make_app(broker_url, broker_pool_limit=THREADS)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="winnow-publish")
        self._waiting = 0

    async def publish(
        self,
        task: str,
        payload: str,
        *,
        queue: str,
        task_id: str,
        reply_to: str,
        expires_s: float | None,
        within_s: float = PUBLISH_S,
    ) -> None:
        """Send one task.

        Args:
            task: its registered name; payload: its only argument.
            task_id: names the reply; reply_to: the list that the reply is pushed to.
            expires_s: seconds after which no worker takes it; None: however late.
            within_s: how long to wait for the broker at most.

        Raises:
            Overloaded: too many tasks wait to be sent.
            BackendUnavailable: the broker refused it, or did not take it in time.
        """
        if self._waiting >= MAX_WAITING:
            raise Overloaded(
                f"{self._waiting} tasks wait to be sent: ask again in a moment.", retry_after_s=1
            )
        sending = self._threads.submit(
            self._app.send_task,
            task,
            args=(payload,),
            queue=queue_name(queue),
            task_id=task_id,
            reply_to=reply_to,
            expires=expires_s,
            retry=False,
            ignore_result=True,
        )
        self._waiting += 1
        wrapped = asyncio.wrap_future(sending)
        wrapped.add_done_callback(self._done)
        await _within(wrapped, within_s)

    async def close(self) -> None:
        """Let go of the broker; what hangs ends by itself within the socket's timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._app.close)

    def _done(self, sent: "asyncio.Future[object]") -> None:
        self._waiting -= 1
        if not sent.cancelled():
            # Maybe nobody waits for it any longer, and asyncio complains of unread errors.
            sent.exception()


async def _within(sending: "asyncio.Future[object]", seconds: float) -> None:
    done, _ = await asyncio.wait({sending}, timeout=max(0.0, seconds))
    if not done:
        raise BackendUnavailable(f"The broker did not take a task within {seconds:.3f} s.")
    try:
        sending.result()
    except (OperationalError, *BROKER_ERRORS) as error:
        raise BackendUnavailable(f"The broker cannot be reached: {error}") from error
