"""Keeps web pages of other sites away from a server that trusts its machine.

Without keys, whoever reaches the server may do everything, and a browser on this machine
reaches it on behalf of any page it shows. Two ways lead a page here: a host name that it
controls and that resolves to 127.0.0.1 (DNS rebinding), which the Host header betrays; and a
request that needs no CORS preflight, which the Origin header betrays.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.errors import Forbidden
from services.web.keys import is_loopback

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class LocalOnly:
    """Raises Forbidden for requests by another host name or from another site's page."""

    def __init__(self, app: ASGIApp, allowed_origins: Collection[str] = ()) -> None:
        self._app = app
        self._allowed_origins = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            self._check_host(headers.get("host", ""))
            if scope["method"] not in _READING:
                self._check_origin(headers.get("origin"), headers.get("host", ""))
        await self._app(scope, receive, send)

    def _check_host(self, host: str) -> None:
        name = _hostname(f"//{host}")
        if not is_loopback(name):
            raise Forbidden(
                f"This server answers only as localhost, not as {name[:80]!r}: set keys "
                "(WINNOW_SEARCH_KEY, WINNOW_ADMIN_KEY) or serve with --open."
            )

    def _check_origin(self, origin: str | None, host: str) -> None:
        own = (None, f"http://{host}", f"https://{host}")
        if origin in own or origin in self._allowed_origins or "*" in self._allowed_origins:
            return
        raise Forbidden(
            "A page of another site may not write here: name its origin in WINNOW_CORS_ORIGINS."
        )


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
