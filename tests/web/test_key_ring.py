"""Keys that are made and revoked while Winnow runs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from cli.application import create_app, open_runtime
from indexer.keys import KeyCabinet
from services.assembly import Services, open_services
from services.embedded.ledger import SqliteLedger
from services.errors import BackendUnavailable, InvalidInput, NotFound
from services.settings import Settings
from services.web.keys import KeyRing, Keys, Role, check_exposure
from tests.indexer.conftest import settings_in
from tests.web.test_application import SEARCH, application

KEYS = "/v1/admin/keys"
BOTH = {"search_key": SecretStr("find"), "admin_key": SecretStr("manage")}
ME = "operator"


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_services(settings_in(tmp_path)) as opened:
        yield opened


def bearer(key: str) -> dict[str, str]:
    """The header of a key."""
    return {"Authorization": f"Bearer {key}"}


async def until_refused(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Return once a search with these headers is refused: processes look every two seconds."""
    async with asyncio.timeout(30):
        while (await client.post(SEARCH, json={}, headers=headers)).status_code != 401:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_made_key_opens_what_its_role_says(services: Services) -> None:
    """Until it is revoked; the key itself is kept nowhere."""
    cabinet = KeyCabinet(services)
    ring = KeyRing(Keys(), services.ledger.keys)
    assert await ring.role_of("") is Role.ADMINISTRATOR
    admin = await cabinet.create("operations", administers=True, who=ME)
    shop = await cabinet.create("shop", administers=False, who=ME)
    await ring.refresh()
    assert [await ring.role_of(key) for key in (admin.secret, shop.secret, "", "wk_x")] == [
        Role.ADMINISTRATOR,
        Role.SEARCHER,
        Role.NOBODY,
        Role.NOBODY,
    ]
    assert ring.holder(shop.secret) == f"shop ({shop.stored.id})"
    assert not ring.holder("wk_x")
    assert [key.id for key in await cabinet.list()] == [admin.stored.id, shop.stored.id]
    for key in await cabinet.list():
        assert shop.secret not in str(key)
        assert admin.secret not in str(key)
    await cabinet.revoke(shop.stored.id, ME)
    await ring.refresh()
    assert await ring.role_of(shop.secret) is Role.NOBODY
    log = await services.ledger.audit.read()
    assert [(each.action, each.who, each.outcome) for each in log] == [
        ("revoke-key", ME, "done"),
        ("create-key", ME, "done"),
        ("create-key", ME, "done"),
    ]
    assert not any(secret in str(log) for secret in (admin.secret, shop.secret))


async def test_the_last_key_leaves_the_door_shut(services: Services) -> None:
    """Whoever demanded keys goes on demanding them; a new process trusts its machine again."""
    cabinet = KeyCabinet(services)
    made = await cabinet.create("operations", administers=True, who=ME)
    ring = KeyRing(Keys(), services.ledger.keys)
    await ring.refresh()
    await cabinet.revoke(made.stored.id, ME)
    await ring.refresh()
    assert ring.required
    assert await ring.role_of("") is Role.NOBODY
    assert await ring.role_of(made.secret) is Role.NOBODY
    assert await KeyRing(Keys(), services.ledger.keys).role_of("") is Role.ADMINISTRATOR


async def test_nobody_is_locked_out_by_accident(services: Services) -> None:
    """The first key administers, and the last that does outlives the others."""
    cabinet = KeyCabinet(services)
    with pytest.raises(InvalidInput, match="--role admin"):
        await cabinet.create("shop", administers=False, who=ME)
    first = await cabinet.create("operations", administers=True, who=ME)
    shop = await cabinet.create("shop", administers=False, who=ME)
    with pytest.raises(InvalidInput, match="last key that administers"):
        await cabinet.revoke(first.stored.id, ME)
    second = await cabinet.create("more operations", administers=True, who=ME)
    await cabinet.revoke(first.stored.id, ME)
    await cabinet.revoke(shop.stored.id, ME)
    await cabinet.revoke(second.stored.id, ME)
    with pytest.raises(NotFound):
        await cabinet.revoke(second.stored.id, ME)
    for name in ("", " ", "a\nb", "x" * 101):
        with pytest.raises(InvalidInput, match="printable"):
            await cabinet.create(name, administers=True, who=ME)


async def test_the_settings_administrator_needs_no_other(tmp_path: Path) -> None:
    """Then the first stored key may be one that searches."""
    async with open_services(settings_in(tmp_path, **BOTH)) as services:
        shop = await KeyCabinet(services).create("shop", administers=False, who=ME)
        ring = KeyRing(Keys.from_settings(services.settings), services.ledger.keys)
        # One that is not known yet is looked up; the settings' own need no store.
        assert await ring.role_of(shop.secret) is Role.SEARCHER
        assert await ring.role_of("manage") is Role.ADMINISTRATOR
        assert await ring.role_of("find") is Role.SEARCHER
        await services.ledger.close()
        assert await ring.role_of(shop.secret) is Role.SEARCHER
        assert await ring.role_of("wk_x") is Role.NOBODY


async def test_without_the_store_nobody_is_let_in(tmp_path: Path) -> None:
    """As long as nobody can say whether there are keys."""
    ledger = await SqliteLedger.open(tmp_path / "ledger.sqlite")
    await ledger.close()
    ring = KeyRing(Keys(), ledger.keys)
    with pytest.raises(BackendUnavailable):
        await ring.role_of("")
    with pytest.raises(InvalidInput):
        check_exposure("0.0.0.0", ring, open_to_all=False)


async def test_keys_over_http(tmp_path: Path) -> None:
    """From the first, which shuts the door, to the last; the log names who came with which."""
    async with application(tmp_path) as client:
        refused = await client.post(KEYS, json={"name": "shop"})
        assert refused.status_code == 400
        made = (await client.post(KEYS, json={"name": "ops", "role": "admin"})).json()
        assert made["key"].startswith("wk_")
        operator = bearer(made["key"])
        shop = (await client.post(KEYS, json={"name": "shop"}, headers=operator)).json()
        await until_refused(client, {})
        created = await client.put("/v1/collections/default", headers=operator)
        assert created.status_code == 201
        for path in ("/v1/collections", KEYS):
            for headers, status in ((bearer(shop["key"]), 403), (bearer("wk_x"), 401)):
                assert (await client.get(path, headers=headers)).status_code == status
        found = await client.post(SEARCH, json={}, headers=bearer(shop["key"]))
        assert found.status_code == 200
        listed = (await client.get(KEYS, headers=operator)).json()["keys"]
        assert [(key["name"], key["role"]) for key in listed] == [
            ("ops", "admin"),
            ("shop", "search"),
        ]
        assert not any("key" in key for key in listed)
        gone = await client.delete(f"{KEYS}/{shop['id']}", headers=operator)
        assert gone.status_code == 204
        await until_refused(client, bearer(shop["key"]))
        log = (await client.get("/v1/admin/audit", headers=operator)).json()["entries"]
        assert [(each["action"], each["who"]) for each in log[:2]] == [
            ("revoke-key", f"key of ops ({made['id']}) from 127.0.0.1"),
            ("create-collection", f"key of ops ({made['id']}) from 127.0.0.1"),
        ]
        assert (await client.get("/livez")).status_code == 200
        page = await client.get("/")
        assert page.status_code == 401


async def test_stored_keys_let_other_hosts_in(tmp_path: Path) -> None:
    """A server that starts with them answers by any name, and is no trap for its machine."""
    async with open_services(settings_in(tmp_path)) as services:
        made = await KeyCabinet(services).create("ops", administers=True, who=ME)
    settings = Settings(data_dir=tmp_path, bi_encoder="hashing", cross_encoder="", hub=False)
    async with open_runtime(settings) as runtime:
        check_exposure("0.0.0.0", runtime.keys, open_to_all=False)
        transport = httpx.ASGITransport(create_app(runtime))
        async with httpx.AsyncClient(transport=transport, base_url="http://search.example") as c:
            assert (await c.get("/v1/collections")).status_code == 401
            assert (await c.get("/v1/collections", headers=bearer(made.secret))).is_success
