"""Where no worker lives, the fallback in the API's own process reranks."""

from pathlib import Path

import pytest

from indexer.draft import Draft
from indexer.service import Indexer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import open_services
from services.models.overlap import OVERLAP
from services.settings import Settings
from tests.servers.redis import RedisServer, redis_server
from tests.workers.conftest import WorkerProcess

__all__ = ["redis_server"]

pytestmark = pytest.mark.servers


async def test_workers_that_die_are_stood_in_for(
    redis_server: RedisServer, worker: WorkerProcess, tmp_path: Path
) -> None:
    """Each answer names who scored: the worker's process while it lives, then this one."""
    settings = Settings(
        data_dir=tmp_path / "data",
        broker_url=redis_server.url,
        bi_encoder="",
        cross_encoder=OVERLAP,
        fallback_cross_encoder=OVERLAP,
        budget_ms=5_000,
        deadline_ms=20_000,
        cache_ttl_s=0,
        _env_file=None,
    )
    async with open_services(settings) as services:
        indexer, search = Indexer(services), SearchService(services)
        await indexer.create_collection("default", language="en")
        await indexer.put("default", [Draft("tide", "The tide comes in twice a day.")])
        await indexer.index_pending("default")
        request = SearchRequest(query="tide")
        first = await search.search("default", request)
        assert first.models["cross_encoder"].worker.endswith(f":{worker.pid}")
        assert first.degraded == []
        redis_server.kill()
        second = await search.search("default", request)
        assert not second.models["cross_encoder"].worker.endswith(f":{worker.pid}")
        assert second.degraded == ["reranker_fallback"]
        assert second.reranked
        await indexer.close()
