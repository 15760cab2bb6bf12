"""Searches of one index: several at once, each answered whole or not at all."""

from collections.abc import Sequence

import orjson

from services.errors import BackendUnavailable
from services.opensearch.client import (
    READ_TIMEOUT_S,
    Absent,
    Json,
    OpenSearchClient,
    reason_of,
    whole,
)

_HEADER = orjson.dumps(
    {"search_type": "dfs_query_then_fetch", "allow_partial_search_results": False}
)
"""Word statistics over all shards, so that scores do not depend on where a row lies."""

_LIMITS: Json = {"timeout": f"{READ_TIMEOUT_S}s", "track_total_hits": False}


async def search_all(
    client: OpenSearchClient, alias: str, bodies: Sequence[Json]
) -> Sequence[Json]:
    """The answers to several searches, in their order.

    Raises:
        BackendUnavailable: one of them failed, or a shard did not answer in time.
    """
    if not bodies:
        return []
    lines = b"".join(
        b"\n".join((_HEADER, orjson.dumps({**_LIMITS, **body}), b"")) for body in bodies
    )
    answer = await client.read(f"/{alias}/_msearch", lines)
    return [_checked(found) for found in answer["responses"]]


async def search_one(client: OpenSearchClient, alias: str, body: Json) -> Json:
    """The answer to one search."""
    (found,) = await search_all(client, alias, [body])
    return found


def hits(answer: Json) -> list[Json]:
    """The rows of an answer, in its order."""
    return list(answer["hits"]["hits"])


def value(hit: Json, name: str) -> object:
    """The one value of a column that was asked for, None where the row has none."""
    found = hit.get("fields", {}).get(name)
    return found[0] if found else None


def _checked(found: Json) -> Json:
    if "error" in found:
        if found.get("status") == 404:
            raise Absent(reason_of(found["error"]))
        raise BackendUnavailable(f"OpenSearch refused a search: {reason_of(found['error'])}")
    return whole(found)
