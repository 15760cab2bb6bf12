"""Every service opens together, says what is missing, and closes together."""

import json
from pathlib import Path

import pytest

from services.assembly import open_services
from services.collections import Collection
from services.embedded.lock import announce, find_owner
from services.errors import (
    BackendUnavailable,
    DataDirectoryLocked,
    DataFormatUnsupported,
    InvalidInput,
)
from services.settings import Settings
from tests.ledger.examples import generation


def _settings(folder: Path, **chosen: str) -> Settings:
    models = {"bi_encoder": "hashing", "cross_encoder": "overlap"} | chosen
    return Settings(data_dir=folder, **models)  # type: ignore[arg-type]  # checked by pydantic


async def test_everything_opens_and_answers(tmp_path: Path) -> None:
    """Both models, four stores, nothing missing; the directory is owned meanwhile."""
    async with open_services(_settings(tmp_path)) as services:
        assert services.embedder is not None
        assert services.reranker is not None
        assert not services.missing
        for part in (services.ledger, services.lexical, services.vectors, services.cache):
            await part.ping()
        assert find_owner(tmp_path) is not None
        await services.ledger.collections.create(Collection("books"), generation())
    assert find_owner(tmp_path) is None
    with pytest.raises(BackendUnavailable):
        await services.ledger.ping()
    async with open_services(_settings(tmp_path)) as services:
        assert [found.name for found in await services.ledger.collections.list()] == ["books"]


async def test_two_directories_are_apart(tmp_path: Path) -> None:
    """Two sets of services live in one process; one directory takes one."""
    async with open_services(_settings(tmp_path / "a")) as first:
        await first.ledger.collections.create(Collection("books"), generation())
        async with open_services(_settings(tmp_path / "b")) as second:
            assert not await second.ledger.collections.list()
        with pytest.raises(DataDirectoryLocked):
            async with open_services(_settings(tmp_path / "a"), wait_for_lock_s=0.1):
                pass


async def test_a_stage_switched_off_is_missing(tmp_path: Path) -> None:
    """With its reason."""
    settings = _settings(tmp_path, bi_encoder="", cross_encoder="")
    async with open_services(settings) as services:
        assert services.embedder is None
        assert services.reranker is None
        assert "WINNOW_BI_ENCODER" in services.missing["bi_encoder"]
        assert "WINNOW_CROSS_ENCODER" in services.missing["cross_encoder"]


async def test_a_model_that_cannot_be_had_is_missing(tmp_path: Path) -> None:
    """The rest works; the reason says what was tried."""
    absent = str(tmp_path / "absent")
    async with open_services(_settings(tmp_path, cross_encoder=absent)) as services:
        assert services.embedder is not None
        assert services.reranker is None
        assert absent in services.missing["cross_encoder"]


async def test_without_an_embedded_store_nobody_owns_the_directory(tmp_path: Path) -> None:
    """Any number of processes use the same servers, also while these do not answer."""
    servers = {"opensearch_url": "http://127.0.0.1:1", "qdrant_url": "http://127.0.0.1:1"}
    settings = _settings(tmp_path / "data", **servers)
    async with open_services(settings) as first, open_services(settings) as second:
        assert find_owner(settings.data_path) is None
        announce(settings.data_path, "http://127.0.0.1:1")
        assert not settings.data_path.exists()
        for services in (first, second):
            for part in (services.ledger, services.lexical, services.vectors):
                with pytest.raises(BackendUnavailable):
                    await part.ping()


@pytest.mark.parametrize("name", ["opensearch_url", "qdrant_url"])
async def test_one_embedded_store_owns_the_directory(tmp_path: Path, name: str) -> None:
    """A server for the other does not change that."""
    async with open_services(_settings(tmp_path, **{name: "http://127.0.0.1:1"})):
        assert find_owner(tmp_path) is not None


async def test_a_cache_url_of_another_protocol_is_refused(tmp_path: Path) -> None:
    """And everything opened before it is closed."""
    with pytest.raises(InvalidInput, match="WINNOW_CACHE_URL"):
        async with open_services(_settings(tmp_path, cache_url="http://127.0.0.1:1")):
            pass
    assert find_owner(tmp_path) is None


async def test_a_newer_directory_is_refused(tmp_path: Path) -> None:
    """Untouched, and without keeping the lock."""
    (tmp_path / "format.json").write_text(json.dumps({"format": 99}), encoding="utf-8")
    with pytest.raises(DataFormatUnsupported, match="format 99"):
        async with open_services(_settings(tmp_path)):
            pass
    assert find_owner(tmp_path) is None
    assert not (tmp_path / "ledger.sqlite").exists()


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format": "x"}', "\x00"])
async def test_a_damaged_format_file_is_told(tmp_path: Path, content: str) -> None:
    """The message names the file."""
    (tmp_path / "format.json").write_text(content, encoding="utf-8")
    with pytest.raises(BackendUnavailable, match=r"format\.json is damaged"):
        async with open_services(_settings(tmp_path)):
            pass


async def test_a_store_that_fails_to_open_lets_everything_go(tmp_path: Path) -> None:
    """The lock is free again, the models are closed."""
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database" * 1_000)
    with pytest.raises(BackendUnavailable):
        async with open_services(_settings(tmp_path)):
            pass
    assert find_owner(tmp_path) is None
