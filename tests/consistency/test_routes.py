"""The HTTP side of consistency, over the real stores."""

from pathlib import Path

from pydantic import SecretStr

from tests.web.test_application import application

_DOCUMENT = "/v1/collections/default/documents/a"


async def test_everything_needs_the_administration_key(tmp_path: Path) -> None:
    """Reading included: the search key only searches."""
    keys = {"search_key": SecretStr("search"), "admin_key": SecretStr("admin")}
    async with application(tmp_path, **keys) as client:
        for method, path in (
            ("GET", "verify"),
            ("POST", "reconcile"),
            ("GET", "backup"),
            ("POST", "restore"),
            ("GET", "dead-letters"),
            ("POST", "dead-letters/retry"),
            ("POST", "dead-letters/drop"),
            ("GET", "audit"),
        ):
            for key, status in (("", 401), ("search", 403)):
                headers = {"Authorization": f"Bearer {key}"} if key else {}
                answer = await client.request(method, f"/v1/admin/{path}", headers=headers)
                assert answer.status_code == status, path


async def test_a_collection_is_compared_repaired_saved_and_restored(tmp_path: Path) -> None:
    """What each route answers; the audit log names the key that was used."""
    keys = {"search_key": SecretStr("search"), "admin_key": SecretStr("admin")}
    async with application(tmp_path / "one", **keys) as client:
        client.headers["Authorization"] = "Bearer admin"
        assert (await client.get("/v1/admin/verify")).status_code == 404
        assert (await client.get("/v1/admin/backup", params={"collection": "x"})).status_code == 404
        stored = await client.put(
            _DOCUMENT, params={"create": "true", "wait": "true"}, json={"text": "Zebra"}
        )
        assert stored.status_code == 200
        verified = (await client.get("/v1/admin/verify")).json()
        assert verified["clean"]
        (generation,) = verified["generations"]
        assert (generation["documents"], generation["discrepancies"]) == (1, [])
        done = await client.post("/v1/admin/reconcile")
        assert done.json() == {
            "collection": "default",
            "clean": True,
            "found": {},
            "unmarked": 0,
            "superseded": 0,
            "waiting": "",
        }
        letters = (await client.get("/v1/admin/dead-letters")).json()
        assert letters["dead_letters"] == []
        dropped = await client.post("/v1/admin/dead-letters/drop", json={"ids": ["a"]})
        assert dropped.json() == {"count": 0}
        saved = await client.get("/v1/admin/backup")
        assert saved.headers["content-type"] == "application/gzip"
        log = (await client.get("/v1/admin/audit", params={"limit": 2})).json()["entries"]
        assert [each["action"] for each in log] == ["backup", "drop"]
        assert all(each["who"].startswith("admin key from ") for each in log)
    async with application(tmp_path / "two") as client:
        restored = await client.post("/v1/admin/restore", content=saved.content)
        assert restored.json() == {"collections": ["default"], "records": 1, "stored": 1}
        later = await client.put(
            _DOCUMENT.replace("/a", "/b"), params={"wait": "true"}, json={"text": "Okapi"}
        )
        assert later.status_code == 200
        assert (await client.get(_DOCUMENT)).json()["text"] == "Zebra"
        assert (await client.get("/v1/admin/verify")).json()["clean"]


async def test_a_backup_may_be_longer_than_other_bodies(tmp_path: Path) -> None:
    """The limit on bodies is for documents; a damaged backup is refused for what it is."""
    async with application(tmp_path, max_body_bytes=1_024) as client:
        content = b"x" * 4_000
        answer = await client.post("/v1/admin/restore", content=content)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/backup-damaged")
        assert (await client.post("/v1/admin/reconcile", content=content)).status_code == 413


async def test_what_becomes_of_a_collection_is_logged(tmp_path: Path) -> None:
    """Made, extended, removed; what changed nothing is not told, what failed is."""
    async with application(tmp_path) as client:
        for schema in ({"year": "integer"}, {"year": "integer"}, {"author": "keyword"}):
            answer = await client.put("/v1/collections/books", json={"schema": schema})
            assert answer.is_success
        for status in (204, 404):
            answer = await client.delete("/v1/collections/books")
            assert answer.status_code == status
        log = (await client.get("/v1/admin/audit", params={"collection": "books"})).json()
        assert [(each["action"], each["outcome"], each["detail"]) for each in log["entries"]][
            1:
        ] == [
            ("delete-collection", "done", ""),
            ("declare-metadata", "done", "author: keyword"),
            ("create-collection", "done", "year: integer"),
        ]
        first = log["entries"][0]
        assert (first["action"], first["outcome"]) == ("delete-collection", "refused")
        assert log["entries"][-1]["generation"]
        for number in range(2):
            await client.put(
                f"/v1/collections/notes/documents/{number}",
                params={"create": "true"},
                json={"text": "Zebra"},
            )
        log = (await client.get("/v1/admin/audit", params={"collection": "notes"})).json()
        assert [(each["action"], each["who"]) for each in log["entries"]] == [
            ("create-collection", "no key from 127.0.0.1")
        ]
