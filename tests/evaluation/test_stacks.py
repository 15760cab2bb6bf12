"""Quality on servers beside the embedded stack."""

import asyncio
from pathlib import Path

import pytest
from rich.console import Console

from evaluation.stacks import Comparison, compare, compare_stacks, embedded
from evaluation.stores import OnProgress
from services.errors import InvalidInput
from services.settings import Settings
from tests.servers.qdrant_wire import qdrant_wire

JUDGED = Path(__file__).parents[1] / "fixtures" / "judged"


def silent(_stack: str) -> OnProgress:
    return lambda _activity, _done, _total: None


def settings_on(folder: Path, port: int) -> Settings:
    return Settings(
        data_dir=folder,
        bi_encoder="hashing",
        token_dimensions=16,
        cross_encoder="",
        qdrant_url="http://127.0.0.1:1",
        qdrant_grpc_port=port,
        _env_file=None,
    )


def test_a_hundredth_is_the_most_that_may_differ() -> None:
    """In either direction; what one stack alone could run is a difference too."""
    assert Comparison("c", "bm25", 0.50, 0.509).met
    assert Comparison("c", "bm25", None, None).met
    assert not Comparison("c", "bm25", 0.50, 0.52).met
    assert not Comparison("c", "bm25", 0.52, 0.50).met
    assert not Comparison("c", "bm25", 0.52, None).met


@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_both_stacks_find_equally_well(tmp_path: Path) -> None:
    """Vectors behind the wire and embedded ones, on the same judgments."""
    async with qdrant_wire() as port:
        found = await compare(settings_on(tmp_path, port), JUDGED, silent)
    assert [each.system for each in found] == ["bm25", "vector", "fused", "late"]
    assert all(each.met and each.servers for each in found)


def test_without_a_server_there_is_nothing_to_compare(tmp_path: Path) -> None:
    """It says which settings name one."""
    settings = Settings(data_dir=tmp_path, qdrant_url="http://127.0.0.1:1", _env_file=None)
    with pytest.raises(InvalidInput, match="WINNOW_OPENSEARCH_URL"):
        asyncio.run(compare(embedded(settings), JUDGED, silent))
    with pytest.raises(InvalidInput):
        compare_stacks(Console(quiet=True), embedded(settings), JUDGED.parent, ["judged"])
