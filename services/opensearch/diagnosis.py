"""How an OpenSearch cluster is."""

import time
from collections.abc import Sequence

from services.diagnosis import Finding, clock, warning, well
from services.opensearch.client import Json, OpenSearchClient
from services.settings import Settings

PART = "OpenSearch"

_WATERMARK = "cluster.routing.allocation.disk.watermark.flood_stage"
_DEFAULT_FLOOD = 95.0
# So many points before the flood stage it is time to act.
_MARGIN = 5.0
_OLDEST = 3


async def diagnose(settings: Settings) -> Sequence[Finding]:
    """Version, health, the disk's flood stage, clock; raises BackendUnavailable."""
    client = OpenSearchClient(settings.opensearch_url)
    try:
        told = await client.read("/")
        health = await client.read("/_cluster/health")
        asked_s = time.time()
        stats = await client.read("/_nodes/stats/fs")
        found = [_version(told), _health(health)]
        nodes = list(stats["nodes"].values())
        found.append(clock(PART, max(node["timestamp"] for node in nodes) / 1_000, asked_s))
        flood = await _flood_stage(client)
        return found + [_disk(node, flood) for node in nodes]
    finally:
        await client.close()


def _version(told: Json) -> Finding:
    number = str(told["version"]["number"])
    if int(number.partition(".")[0]) < _OLDEST:
        return warning(PART, f"version {number}", f"Upgrade to OpenSearch {_OLDEST}.")
    return well(PART, f"version {number}")


def _health(health: Json) -> Finding:
    status = str(health["status"])
    found = f"{status}, {health['number_of_nodes']} nodes"
    if status == "red":
        return warning(
            f"{PART} health", found, "Shards are missing: see GET _cluster/allocation/explain."
        )
    return well(f"{PART} health", found)


async def _flood_stage(client: OpenSearchClient) -> float:
    """Per cent of a disk at which OpenSearch refuses writes."""
    kept = await client.read("/_cluster/settings", include_defaults=True, flat_settings=True)
    for level in ("transient", "persistent", "defaults"):
        text = str(kept.get(level, {}).get(_WATERMARK, ""))
        if text.endswith("%"):
            return float(text[:-1])
    return _DEFAULT_FLOOD  # told in bytes: the usual share is close enough for a warning


def _disk(node: Json, flood: float) -> Finding:
    total = node["fs"]["total"]
    used = 100 * (1 - total["available_in_bytes"] / max(1, total["total_in_bytes"]))
    found = f"{used:.0f}% used on {node['name']}; at {flood:.0f}% writes are refused"
    if used >= flood:
        advice = "Writes are refused now: make room; OpenSearch lifts the block by itself."
        return warning(f"{PART} disk", found, advice)
    if used >= flood - _MARGIN:
        return warning(f"{PART} disk", found, "Make room before it is full.")
    return well(f"{PART} disk", found)
