"""What doctor says of servers, clocks, disks and generations."""

import time
from pathlib import Path

import pytest

from services.diagnosis import SKEW_S, State, clock, disk
from services.settings import Settings
from tests.cli.test_serving import serving
from tests.conftest import Winnow
from tests.servers.redis import RedisServer, redis_server

__all__ = ["redis_server"]


def lines(report: dict[str, list[dict[str, str]]]) -> dict[str, dict[str, str]]:
    """The findings by part."""
    return {each["part"]: each for each in report["findings"]}


def test_a_generation_without_its_encoder_is_named(winnow: Winnow) -> None:
    """encoder_mismatch, with what to do; a model that is there is named with its revision."""
    text = winnow.folder / "tide.txt"
    text.write_text("The tide rises.")
    assert winnow("ingest", str(text)).code == 0
    (well,) = (line for part, line in lines(winnow("doctor", "--json").json()).items()
               if part.startswith("generation default/"))  # fmt: skip
    assert (well["state"], well["advice"]) == ("ok", "")
    assert "hashing at 1" in well["found"]
    done = winnow("doctor", "--json", WINNOW_BI_ENCODER="")
    (lost,) = (line for part, line in lines(done.json()).items()
               if part.startswith("generation default/"))  # fmt: skip
    assert lost["state"] == "warning"
    assert "reindex" in lost["advice"]
    assert done.code == 0


def test_a_server_is_asked_for_what_it_sees(winnow: Winnow) -> None:
    """Its generations, models and disk; one that is away is exit code 4."""
    text = winnow.folder / "tide.txt"
    text.write_text("The tide rises.")
    assert winnow("ingest", str(text)).code == 0
    with serving(winnow, WINNOW_BI_ENCODER="") as url:
        done = winnow("doctor", "--json")
        table = winnow("doctor").out
    assert done.code == 0
    report = done.json()
    assert report["owner"].endswith(url)
    assert report["collections"] == {"default": 1}
    assert report["models"]["bi_encoder"].startswith("none")
    found = lines(report)
    (lost,) = (line for part, line in found.items() if part.startswith("generation default/"))
    assert lost["state"] == "warning"
    assert "reindex" in lost["advice"]
    assert found["disk"]["found"]
    assert found["vectors of default"]["found"].startswith("1 chunks")
    assert "reindex" in table
    away = winnow("doctor", "--json", "--server", "http://127.0.0.1:1")
    assert (away.code, list(away.json()["unreachable"])) == (4, ["server"])


def test_every_server_that_is_away_is_named(winnow: Winnow) -> None:
    """Exit code 4, a line for each with what to do, as JSON and as a table."""
    away = {
        "WINNOW_QDRANT_URL": "http://127.0.0.1:1",
        "WINNOW_QDRANT_GRPC_PORT": "0",
        "WINNOW_CACHE_URL": "redis://127.0.0.1:1/0",
        "WINNOW_BROKER_URL": "redis://127.0.0.1:1/1",
        "WINNOW_OPENSEARCH_URL": "http://127.0.0.1:1",
    }
    done = winnow("doctor", "--json", **away)
    assert done.code == 4
    found = lines(done.json())
    for part in ("OpenSearch", "Qdrant", "broker", "cache"):
        assert found[part]["state"] == "unreachable", part
        assert found[part]["advice"], part
    assert found["disk"]["found"]
    table = winnow("doctor", **away)
    assert table.code == 4
    assert "Qdrant" in table.out


@pytest.mark.servers
def test_redis_must_evict_as_its_duty_asks(winnow: Winnow, redis_server: RedisServer) -> None:
    """A cache that never evicts is a warning; a broker that never does is well."""
    given = {"WINNOW_CACHE_URL": redis_server.url, "WINNOW_BROKER_URL": redis_server.url}
    found = lines(winnow("doctor", "--json", **given).json())
    assert found["broker policy"]["state"] == "ok"
    assert found["cache policy"]["state"] == "warning"
    assert "allkeys-lru" in found["cache policy"]["advice"]
    assert "Give each its own" in found["cache"]["advice"]
    assert found["broker clock"]["state"] == "ok"


def test_clocks_are_compared() -> None:
    """A skew beyond two seconds is told with its direction."""
    now_s = time.time()
    assert clock("x", now_s, now_s).state is State.WELL
    ahead = clock("x", now_s + 60 * SKEW_S, now_s)
    assert ahead.state is State.WARNING
    assert "ahead of" in ahead.found
    assert "behind" in clock("x", now_s - 60 * SKEW_S, now_s).found


def test_the_disk_is_looked_at_where_the_data_will_be(tmp_path: Path) -> None:
    """A data directory that does not exist yet is on its parent's disk."""
    found = disk(Settings(data_dir=tmp_path / "a" / "b", _env_file=None).data_path)
    assert str(tmp_path) in found.found
