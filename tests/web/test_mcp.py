"""The tools that assistants are given, asked by the protocol's own client."""

from pathlib import Path

from mcp import Client

from tests.cli.test_serving import serving
from tests.conftest import Winnow


async def test_an_assistant_searches_and_reads(winnow: Winnow, tmp_path: Path) -> None:
    """Collections, passages, a document in pieces, and faults as sentences."""
    guide = tmp_path / "guide.md"
    guide.write_text("# Passwords\n\nOpen Settings to change your password.\n\n" + "word " * 5_000)
    assert winnow("ingest", str(guide)).code == 0
    with serving(winnow) as url:
        async with Client(f"{url}/mcp") as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert tools == {"search", "read_document", "list_collections"}

            stored = await client.call_tool("list_collections", {})
            assert stored.structured_content["collections"][0]["name"] == "default"

            found = await client.call_tool("search", {"query": "change password", "size": 3})
            first = found.structured_content["results"][0]
            assert "Settings" in first["passages"][0]["text"]

            read = await client.call_tool("read_document", {"id": first["id"]})
            piece = read.structured_content
            assert len(piece["text"]) == piece["next_start"] < piece["characters"]
            rest = await client.call_tool(
                "read_document", {"id": first["id"], "start": piece["next_start"]}
            )
            assert rest.structured_content["next_start"] is None

            for tool, arguments, told in (
                ("read_document", {"id": "none"}, "no document"),
                ("search", {"query": "x", "collection": "nowhere"}, "nowhere"),
                ("search", {"query": "x", "filters": {"key": "nokey"}}, "condition"),
            ):
                failed = await client.call_tool(tool, arguments)
                assert failed.is_error
                assert told in failed.content[0].text
