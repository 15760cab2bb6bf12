"""Documents like a given one, over HTTP."""

from pathlib import Path

from tests.web.test_application import application


async def test_similar_documents_by_url(tmp_path: Path) -> None:
    """Ids with slashes, the search key, an unknown id and a bad filter."""
    keys = {"search_key": "s" * 20, "admin_key": "a" * 20}
    searcher = {"Authorization": "Bearer " + "s" * 20}
    writer = {"Authorization": "Bearer " + "a" * 20}
    async with application(tmp_path, **keys) as client:
        base = "/v1/collections/default"
        for name, text in {"a/b c": "Herons stand in reeds.", "x": "A heron in the reeds."}.items():
            stored = await client.put(
                f"{base}/documents/{name.replace('/', '%2F')}", json={"text": text},
                params={"wait": "true", "create": "true"}, headers=writer,
            )  # fmt: skip
            assert stored.status_code == 200
        found = await client.get(f"{base}/similar/a%2Fb%20c", headers=searcher)
        assert [each["id"] for each in found.json()["results"]] == ["x"]
        assert (await client.get(f"{base}/similar/none", headers=searcher)).status_code == 404
        asked = {"filters": "{"}
        bad = await client.get(f"{base}/similar/x", params=asked, headers=searcher)
        assert bad.status_code == 400
        assert (await client.get(f"{base}/similar/x")).status_code == 401
