"""What a generation's index is made of, and what may be chosen about it."""

import socket
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.errors import DeadlineExceeded
from services.opensearch.client import Json, OpenSearchClient, Rejected
from services.opensearch.indexes import Layout
from services.opensearch.lexical import OpenSearchStore
from services.opensearch.opening import open_opensearch
from services.settings import Settings
from tests.lexical.examples import entry, generation, query

pytestmark = pytest.mark.servers


async def made(client: OpenSearchClient, layout: Layout) -> Json:
    """Settings and mappings of the one text index of a layout, as the node tells them."""
    (told,) = (await client.read(f"/{layout.prefix}-lexical-*")).values()
    assert isinstance(told, dict)
    return told


async def test_the_mapping_is_strict_and_typed(client: OpenSearchClient, layout: Layout) -> None:
    """Keywords for principals and filters, numbers and dates; no field by accident."""
    index = await OpenSearchStore(client, layout).open(generation())
    metadata = {
        "colour": "red",
        "count": 3,
        "price": 1.5,
        "stock": True,
        "seen": datetime(2026, 5, 1, tzinfo=UTC),
    }
    await index.write([entry("a", "word", metadata=metadata)], [])
    mappings = (await made(client, layout))["mappings"]
    fields = mappings["properties"]
    assert mappings["dynamic"] == "strict"
    assert fields["principals"]["type"] == fields["id"]["type"] == "keyword"
    columns = {name.partition("_")[0]: told["type"] for name, told in fields.items()}
    expected = {"keyword": "keyword", "integer": "long", "float": "double"}
    # Microseconds: the engine's own dates have milliseconds.
    expected |= {"boolean": "boolean", "date": "long"}
    assert expected.items() <= columns.items()
    row = f"/{layout.alias('lexical', generation().name)}/_doc/x"
    with pytest.raises(Rejected, match="strict"):
        await client.send("PUT", row, {"kind": "chunk", "surprise": 1})


async def test_each_language_has_fields_of_its_own(
    client: OpenSearchClient, layout: Layout
) -> None:
    """Scored by BM25 with the table's constants."""
    await OpenSearchStore(client, layout).open(generation())
    told = await made(client, layout)
    fields = told["mappings"]["properties"]
    for language in ("en", "de", "ja"):
        assert fields[f"words_{language}"]["similarity"] == "winnow"
        assert fields[f"title_{language}"]["type"] == "text"
    similarity = told["settings"]["index"]["similarity"]["winnow"]
    assert (similarity["type"], similarity["k1"], similarity["b"]) == ("BM25", "1.2", "0.75")


async def test_shards_replicas_and_refresh_are_settings(
    opensearch_url: str, client: OpenSearchClient, layout: Layout
) -> None:
    """They reach the index; what is written waiting for a refresh is seen when it returns."""
    settings = Settings(
        opensearch_url=opensearch_url,
        opensearch_prefix=layout.prefix,
        opensearch_shards=3,
        opensearch_replicas="0",
        opensearch_refresh="wait_for",
        _env_file=None,
    )
    _, store = open_opensearch(settings)
    index = await store.open(generation())
    told = (await made(client, layout))["settings"]["index"]
    assert (told["number_of_shards"], told["number_of_replicas"]) == ("3", "0")
    assert await index.write([entry("a", "word")], []) == {}
    assert len(await index.search(query("word"), 5)) == 1
    await store.close()


async def test_replicas_follow_the_nodes_unless_told(
    client: OpenSearchClient, layout: Layout
) -> None:
    """A single node is green, a second one gets a copy."""
    await OpenSearchStore(client, layout).open(generation())
    assert (await made(client, layout))["settings"]["index"]["auto_expand_replicas"] == "0-1"


async def test_scores_do_not_depend_on_shards(client: OpenSearchClient, layout: Layout) -> None:
    """Words are as rare as they are in the whole index."""
    texts = [f"{'tide ' * (number % 3 + 1)} harbour {'x ' * number}" for number in range(30)]
    runs = []
    for shards in (1, 3):
        own = replace(layout, prefix=f"{layout.prefix}-{shards}", shards=shards)
        index = await OpenSearchStore(client, own).open(generation())
        await index.write([entry(f"{n:02}", text) for n, text in enumerate(texts)], [])
        run = await index.search(query("tide harbour"), 30)
        runs.append({hit.ref: hit.score for hit in run})
    whole, spread = runs
    assert len(whole) == 30
    assert spread == pytest.approx(whole, rel=1e-5)


async def test_a_node_that_hangs_costs_a_deadline() -> None:
    """Every call has one: the connection is taken and nothing answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = OpenSearchClient(f"http://127.0.0.1:{silent.getsockname()[1]}")
        began_s = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await client.send("GET", "/", None, 1)
        assert time.monotonic() - began_s < 10
        await client.close()
