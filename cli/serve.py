"""Serves the search page and the API until it is told to stop."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from cli.application import Runtime, create_app, open_runtime
from cli.console import say
from services.embedded.lock import announce
from services.errors import WinnowError
from services.garbage import settle
from services.settings import Settings
from services.web.keys import Keys, check_exposure

STOP_DEADLINE_S = 30
BACKLOG = 512


class PortUnavailable(WinnowError):
    """The address to serve on cannot be had."""

    slug = "port-unavailable"
    title = "The port is not available"


async def serve(settings: Settings, *, open_to_all: bool = False) -> None:
    """Serve until SIGINT or SIGTERM, then finish running requests and the current batch.

    Raises:
        PortUnavailable: another program has the port, or the host is not this machine's.
        InvalidInput: strangers would be served without keys.
        BackendUnavailable: the data directory cannot be had.
    """
    Keys.from_settings(settings)
    with listening_socket(settings.host, settings.port) as listener:
        async with open_runtime(settings) as runtime:
            # Keys may be in the ledger.
            check_exposure(settings.host, runtime.keys, open_to_all=open_to_all)
            await serve_runtime(runtime, listener, open_to_all=open_to_all)


async def serve_runtime(
    runtime: Runtime, listener: socket.socket, *, open_to_all: bool = False
) -> None:
    """Serve what is open already, on a bound socket, until a signal ends it."""
    settings = runtime.services.settings
    for stage, reason in runtime.services.missing.items():
        say(f"Without {stage.replace('_', '-')}: {reason}")
    server = _Server(_configuration(create_app(runtime, open_to_all=open_to_all)))
    settle()
    url = _url(settings.host, listener.getsockname()[1])
    # From here on whoever has read the address is let in, if only to wait a moment.
    listener.listen(BACKLOG)
    announce(settings.data_path, url)
    say(f"Winnow serves {url} (search page and API; Ctrl-C stops it).")
    await server.serve_until_told(listener)
    say("Stopping: finishing what has begun.")


@contextmanager
def listening_socket(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket, taken before anything slow begins; port 0 takes a free one.

    Raises:
        PortUnavailable: says what to do.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        # With its protocol named: asyncio switches Nagle's delay off for TCP alone, which would
        # else keep the second half of an answer back for 40 ms.
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise PortUnavailable(
            f"Cannot serve on {host} port {port}: {error.strerror or error}. Choose another port "
            "with --port (0 takes a free one), or stop what uses it."
        ) from None
    with listener:
        yield listener


def _configuration(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application; FastAPI's type says less
        log_level="warning",
        access_log=False,
        lifespan="off",
        backlog=BACKLOG,
        timeout_graceful_shutdown=STOP_DEADLINE_S,
        server_header=False,
    )


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would die of them before the stores are closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve_until_told(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        await self.serve(sockets=[listener])


def _url(host: str, port: int) -> str:
    """Where programs of this machine reach the server."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host)  # noqa: S104  # compared, not bound
    return f"http://{name or (f'[{host}]' if ':' in host else host)}:{port}"
