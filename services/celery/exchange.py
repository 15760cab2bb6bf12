"""A process's one connection to its workers: what it sends, and the one list it listens on."""

import asyncio
from uuid import uuid4

from services.celery.codec import Reply
from services.celery.connection import REPLIES_PREFIX, check_url
from services.celery.listener import Listener
from services.celery.publisher import Publisher

_FIRST_LOOK_S = 2.0


class Exchange:
    """Sends tasks and gives each reply to who waits for it; lives on one event loop."""

    def __init__(self, broker_url: str) -> None:
        """Nothing is sent yet; InvalidInput where the URL does not name a Redis server."""
        check_url(broker_url)
        self.broker_url = broker_url
        self.channel = f"{REPLIES_PREFIX}{uuid4().hex}"
        self.listener = Listener(broker_url, self.channel, self._settle)
        self.publisher = Publisher(broker_url)
        self._waiting: dict[str, asyncio.Future[Reply]] = {}

    @classmethod
    async def open(cls, broker_url: str) -> "Exchange":
        """Begin to listen; a broker that is away now may come back later.

        Raises:
            InvalidInput: the URL does not name a Redis server.
        """
        exchange = cls(broker_url)
        await exchange.start()
        return exchange

    async def start(self) -> None:
        """Listen, and wait a little for the first look at the workers, or its failure."""
        await self.listener.start(_FIRST_LOOK_S)

    def expect(self, task_id: str) -> "asyncio.Future[Reply]":
        """What will hold the reply to a task; to be given up by :meth:`forget`."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[task_id] = reply
        return reply

    def forget(self, task_id: str) -> None:
        """Nobody waits for this reply any longer."""
        self._waiting.pop(task_id, None)

    async def close(self) -> None:
        """Let go of the broker; closing twice does no harm."""
        await self.listener.close()
        await self.publisher.close()

    def _settle(self, reply: Reply) -> None:
        """Hand a reply to who waits for it; one that came too late finds nobody."""
        waiting = self._waiting.get(reply.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)
