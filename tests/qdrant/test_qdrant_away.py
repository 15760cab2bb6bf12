"""A search while Qdrant is away: the other leg answers, and the answer says so."""

from pathlib import Path

import pytest

from indexer.service import Indexer
from search_api.request import SearchRequest
from search_api.service import SearchService
from services.assembly import open_services
from services.settings import Settings


@pytest.mark.parametrize("grpc_port", [0, 1])
async def test_words_alone_answer(tmp_path: Path, grpc_port: int) -> None:
    """From the start on: no process needs Qdrant to begin."""
    settings = Settings(
        data_dir=tmp_path,
        bi_encoder="hashing",
        cross_encoder="",
        deadline_ms=60_000,
        qdrant_url="http://127.0.0.1:1",
        qdrant_grpc_port=grpc_port,
    )
    async with open_services(settings) as services:
        indexer = Indexer(services)
        await indexer.create_collection("books")
        answer = await SearchService(services).search("books", SearchRequest(query="apples"))
        assert any("vector" in reason for reason in answer.degraded)
        await indexer.close()
