"""What doctor asks of a cluster."""

import pytest

from services.diagnosis import State
from services.opensearch.diagnosis import _disk, diagnose
from services.settings import Settings

pytestmark = pytest.mark.servers


async def test_a_cluster_is_described(opensearch_url: str) -> None:
    """Version, health, clock and every node's disk."""
    found = await diagnose(Settings(opensearch_url=opensearch_url, _env_file=None))
    parts = {finding.part: finding for finding in found}
    assert parts["OpenSearch"].found.startswith("version 3.")
    assert parts["OpenSearch clock"].state is State.WELL
    assert {"OpenSearch health", "OpenSearch disk"} <= set(parts)


@pytest.mark.parametrize(("used", "state"), [(50, "ok"), (91, "warning"), (97, "warning")])
def test_a_disk_near_its_flood_stage_is_a_warning(used: int, state: str) -> None:
    """Before writes are refused, and when they are."""
    room = {"total_in_bytes": 1_000, "available_in_bytes": 1_000 - 10 * used}
    assert _disk({"name": "n", "fs": {"total": room}}, 95.0).state == state
