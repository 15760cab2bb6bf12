"""A bound on how often one key, or one address, may ask."""

import hashlib
import ipaddress
import math
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.errors import Overloaded
from services.ports.rates import Rate, RateLimiter
from services.settings import Settings
from services.web.keys import is_loopback

DEFAULT_PER_MINUTE = 6_000

KEY = "key"
ADDRESS = "address"

# Whoever has one address of IPv6 has its whole network of 2^64.
_IPV6_NETWORK_BITS = 64


class RateLimit:
    """Raises Overloaded where a rate is used up.

    It stands before the check of keys, so that guessing keys is bounded too.

    Args:
        limiter: who counts.
        rates: the rates that hold, each for the group KEY or ADDRESS.
        counts: whether a request is of the kind that is bounded.
    """

    def __init__(
        self,
        app: ASGIApp,
        limiter: RateLimiter,
        rates: Sequence[Rate],
        counts: Callable[[Scope], bool],
    ) -> None:
        self._app = app
        self._limiter = limiter
        self._rates = tuple(rates)
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and self._counts(scope):
            await self._take(scope)
        await self._app(scope, receive, send)

    async def _take(self, scope: Scope) -> None:
        for rate in self._rates:
            member = _member(rate.group, scope)
            wait_s = await self._limiter.take(rate, member) if member else 0.0
            if wait_s > 0:
                raise Overloaded(
                    f"This {rate.group} has sent {rate.per_minute} requests within a minute "
                    f"(WINNOW_RATE_PER_{rate.group.upper()}): wait a little.",
                    retry_after_s=math.ceil(wait_s),
                )


def rates_of(settings: Settings) -> tuple[Rate, ...]:
    """The rates that the settings ask for; none by default where only this machine is served."""
    default = 0 if is_loopback(settings.host) else DEFAULT_PER_MINUTE
    chosen = {ADDRESS: settings.rate_per_address, KEY: settings.rate_per_key}
    wanted = (
        Rate(group, default if per_minute is None else per_minute)
        for group, per_minute in chosen.items()
    )
    return tuple(rate for rate in wanted if rate.per_minute)


def _member(group: str, scope: Scope) -> str:
    """Who asks, "" where that cannot be told; keys are stored as digests alone."""
    if group == ADDRESS:
        client = scope.get("client")
        return _network(client[0]) if client else ""
    _, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
    return hashlib.sha256(key.strip().encode("utf-8", "surrogatepass")).hexdigest() if key else ""


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK_BITS), strict=False))
