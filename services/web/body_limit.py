"""A cap on request bodies, whether they declare their length or not."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.errors import TooLarge


class BodyLimit:
    """Raises TooLarge as soon as a body is known to be longer than ``max_bytes``.

    Args:
        unlimited: paths that take a body of any length.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, unlimited: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] in self._unlimited:
            await self._app(scope, receive, send)
            return
        declared = next(
            (value for name, value in scope["headers"] if name == b"content-length"), b"0"
        )
        # Servers refuse a length that is no number before it comes here.
        self._check(int(declared))
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                self._check(received)
            return message

        await self._app(scope, count, send)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise TooLarge(
                f"The body has more than {self._max_bytes} bytes (WINNOW_MAX_BODY_BYTES): "
                "send it in parts or raise the limit."
            )
