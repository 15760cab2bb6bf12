"""How often a key or an address may ask, over HTTP."""

import httpx
import pytest
from fastapi import FastAPI

from services.embedded.rates import MemoryRates
from services.ports.rates import Rate
from services.settings import Settings
from services.web.problems import ProblemMiddleware, install_problems
from services.web.rate_limit import ADDRESS, DEFAULT_PER_MINUTE, KEY, RateLimit, rates_of


def client_of(*rates: Rate, address: str = "192.0.2.1") -> httpx.AsyncClient:
    """An application with these rates, asked from an address."""
    app = FastAPI(openapi_url=None)
    install_problems(app)

    @app.get("/{path}")
    async def thing(path: str) -> str:
        return path

    limiter = MemoryRates()
    app.add_middleware(
        RateLimit, limiter=limiter, rates=rates, counts=lambda scope: scope["path"] != "/livez"
    )
    app.add_middleware(ProblemMiddleware)
    transport = httpx.ASGITransport(app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


async def test_an_address_that_asks_too_often_is_told_when_to_come_back() -> None:
    """429 as a problem, with Retry-After; what does not count is answered as ever."""
    async with client_of(Rate(ADDRESS, 2)) as client:
        assert [(await client.get("/a")).status_code for _ in range(2)] == [200, 200]
        refused = await client.get("/a")
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert "WINNOW_RATE_PER_ADDRESS" in refused.json()["detail"]
        assert (await client.get("/livez")).status_code == 200


async def test_keys_are_told_apart() -> None:
    """One that is used up leaves the others their own rate; without a key there is none."""
    async with client_of(Rate(KEY, 1)) as client:
        one, other = ({"authorization": f"Bearer {key}"} for key in ("one", "other"))
        assert (await client.get("/a", headers=one)).status_code == 200
        assert (await client.get("/a", headers=one)).status_code == 429
        assert (await client.get("/a", headers=other)).status_code == 200
        assert (await client.get("/a")).status_code == 200


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {}),
        ({"host": "0.0.0.0"}, {ADDRESS: DEFAULT_PER_MINUTE, KEY: DEFAULT_PER_MINUTE}),
        ({"host": "0.0.0.0", "rate_per_address": 0}, {KEY: DEFAULT_PER_MINUTE}),
        ({"rate_per_key": 7}, {KEY: 7}),
    ],
)
def test_rates_are_off_where_only_this_machine_is_served(
    settings: dict[str, object], expected: dict[str, int]
) -> None:
    """Unless somebody asked for them."""
    rates = rates_of(Settings(_env_file=None, **settings))  # type: ignore[arg-type]  # by name
    assert {rate.group: rate.per_minute for rate in rates} == expected
