"""What goes wrong between Winnow and OpenSearch, and what becomes of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.collections import Collection
from services.documents import ChunkRef
from services.errors import BackendUnavailable, DeadlineExceeded
from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from services.opensearch.ledger import OpenSearchLedger
from services.opensearch.lexical import OpenSearchStore
from services.ports.lexical import LexicalIndex, Tombstone
from tests.ledger.examples import generation as ledger_generation
from tests.ledger.examples import put
from tests.lexical.conformance import ids
from tests.lexical.examples import entry, generation, query
from tests.opensearch.faulty_node import Alter, Fault, FaultyNode, faulty_node

pytestmark = pytest.mark.servers


@pytest.fixture
async def node(opensearch_url: str) -> AsyncIterator[FaultyNode]:
    """The way to the node, in order for now."""
    async with faulty_node(opensearch_url) as node:
        yield node


@pytest.fixture
async def through(node: FaultyNode) -> AsyncIterator[OpenSearchClient]:
    """A client that goes that way."""
    client = OpenSearchClient(node.url)
    yield client
    await client.close()


@pytest.fixture
async def index(through: OpenSearchClient, layout: Layout) -> LexicalIndex:
    """An empty text index behind it."""
    return await OpenSearchStore(through, layout).open(generation())


@pytest.fixture
async def ledger(through: OpenSearchClient, layout: Layout) -> OpenSearchLedger:
    """A ledger behind it, with one collection."""
    ledger = OpenSearchLedger(through, layout)
    await ledger.collections.create(Collection("books"), ledger_generation())
    return ledger


async def test_items_put_off_are_sent_again_alone(node: FaultyNode, index: LexicalIndex) -> None:
    """The others are not."""
    node.faults.append(Fault("_bulk", put_off=frozenset({0, 2})))
    assert await index.write([entry("a", "one", "two", "three", "four")], []) == {}
    first, again, _ = node.sent("_bulk")
    assert first.count(b'"index"') == 4
    assert again.count(b'"index"') == 2
    assert len(await index.search(query("one two three four"), 10)) == 4


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_a_bulk_put_off_is_sent_again(
    node: FaultyNode, index: LexicalIndex, status: int
) -> None:
    """Whole, after a pause."""
    node.faults.append(Fault("_bulk", status=status))
    assert await index.write([entry("a", "word")], []) == {}
    assert ids(await index.search(query("word"), 5)) == ["a"]


async def test_a_body_too_large_is_split(node: FaultyNode, index: LexicalIndex) -> None:
    """Until it fits; a row that fits nowhere refuses its document."""
    node.faults += [Fault("_bulk", status=413), Fault("_bulk", status=413)]
    assert await index.write([entry("a", "one", "two", "three", "four")], []) == {}
    assert len(await index.search(query("one two three four"), 10)) == 4
    node.faults.append(Fault("_bulk", status=413))
    assert "too large" in (await index.write([entry("b", "word")], []))["b"]


async def test_a_write_whose_answer_is_lost_is_written_once(
    node: FaultyNode, index: LexicalIndex
) -> None:
    """The same version a second time is success."""
    node.faults.append(Fault("_bulk", lost=True))
    assert await index.write([entry("a", "one", "two")], []) == {}
    assert len(await index.search(query("one two"), 10)) == 2


async def test_what_cannot_be_held_is_refused_with_its_reason(index: LexicalIndex) -> None:
    """The engine's own words for one document; the others go in, nothing of it stays."""
    held = [entry("a", "word", metadata={"key": "x" * 40_000}), entry("b", "word")]
    refused = await index.write(held, [])
    assert list(refused) == ["a"]
    assert "32766" in refused["a"]
    assert ids(await index.search(query("word"), 5)) == ["b"]
    assert await index.read([ChunkRef("a", 0)]) == {}


def _failing(status: int) -> Alter:
    """An answer to a bulk whose second item failed."""

    def alter(answer: Any) -> None:
        (verb,) = answer["items"][1]
        answer["items"][1][verb] |= {"status": status, "error": {"reason": "a block"}}

    return alter


async def test_an_item_that_failed_inside_the_engine_is_sent_again(
    node: FaultyNode, index: LexicalIndex
) -> None:
    """Alone, and it was written after all: that is success, and no dead letter."""
    node.faults.append(Fault("_bulk", alter=_failing(500)))
    assert await index.write([entry("a", "one", "two", "three")], []) == {}
    assert [body.count(b'"index"') for body in node.sent("_bulk")] == [3, 1, 1]
    assert len(await index.search(query("one two three"), 10)) == 3


async def test_an_index_that_takes_no_writes_refuses_no_document(
    node: FaultyNode, index: LexicalIndex, through: OpenSearchClient, layout: Layout
) -> None:
    """A block is no fault of the document's: it stays pending, and is written when it ends."""
    await through.send("PUT", f"/{layout.prefix}-lexical-*/_block/write")
    with pytest.raises(BackendUnavailable, match="block"):
        await index.write([entry("a", "word")], [])
    assert len(node.sent("_bulk")) == 1
    free = {"index.blocks.write": False}
    await through.send("PUT", f"/{layout.prefix}-lexical-*/_settings", free)
    assert await index.write([entry("a", "word")], []) == {}
    assert ids(await index.search(query("word"), 5)) == ["a"]


def _time_out(answer: Any) -> None:
    answer["responses"][0]["timed_out"] = True


def _fail_a_shard(answer: Any) -> None:
    answer["responses"][0]["_shards"] |= {"failed": 1, "failures": [{"reason": "disk"}]}


async def test_half_an_answer_is_none(node: FaultyNode, index: LexicalIndex) -> None:
    """Timed out searches and failed shards raise; what broke or was put off is asked again."""
    await index.write([entry("a", "word")], [])
    node.faults.append(Fault("_msearch", alter=_time_out))
    with pytest.raises(DeadlineExceeded):
        await index.search(query("word"), 5)
    node.faults.append(Fault("_msearch", alter=_fail_a_shard))
    with pytest.raises(BackendUnavailable, match="disk"):
        await index.survey(query("word"), {})
    node.faults.append(Fault("_msearch", status=500))
    with pytest.raises(BackendUnavailable):
        await index.browse(query("word"), None, 5)
    node.faults += [Fault("_msearch", lost=True), Fault("_msearch", status=503)]
    assert ids(await index.search(query("word"), 5)) == ["a"]


async def test_an_index_that_was_removed_is_not_made_again(
    through: OpenSearchClient, layout: Layout, index: LexicalIndex
) -> None:
    """A write to it fails: with guessed types it would be another index."""
    await through.send("DELETE", f"/{layout.prefix}-lexical-*")
    with pytest.raises(BackendUnavailable, match="gone"):
        await index.write([entry("a", "word")], [Tombstone("b", 1)])
    assert await through.read(f"/{layout.prefix}-*/_alias") == {}


async def test_an_acceptance_whose_answer_is_lost_counts_once(
    node: FaultyNode, ledger: OpenSearchLedger
) -> None:
    """The version is taken, told as a change, and the epoch grows."""
    before = await ledger.collections.head("books")
    node.faults.append(Fault("_bulk", lost=True))
    (accepted,) = await ledger.documents.accept("books", [put("a")])
    assert (accepted.version, accepted.changed) == (1, True)
    assert (await ledger.collections.head("books")).epoch > before.epoch


async def test_an_outage_passes(node: FaultyNode, ledger: OpenSearchLedger) -> None:
    """Errors are of the tree while it lasts; afterwards all is as before."""
    node.faults += [Fault("_mget", status=500), Fault("_mget", status=401)]
    with pytest.raises(BackendUnavailable, match="500"):
        await ledger.documents.read("books", ["a"])
    with pytest.raises(BackendUnavailable, match="user"):
        await ledger.documents.read("books", ["a"])
    assert await ledger.documents.read("books", ["a"]) == {}
    closed = OpenSearchClient("http://127.0.0.1:1")
    with pytest.raises(BackendUnavailable, match="WINNOW_OPENSEARCH_URL"):
        await closed.ping()
    await closed.close()
