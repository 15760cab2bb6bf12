"""The shelf finds the encoder that a fingerprint names, loads it once, and lets go of it."""

import asyncio
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from services.collections import Collection
from services.embedded.ledger import SqliteLedger
from services.errors import BackendUnavailable, EncoderMismatch, ModelUnavailable
from services.generations import EncoderFingerprint
from services.models.embedder import InProcessEmbedder
from services.models.hashing import HashingBiEncoder
from services.models.notes import Notes
from services.models.shelf import EncoderShelf, load_embedder
from services.models.shelf_keeper import encoders_kept, needed_encoders
from services.ports.models import Embedder
from services.settings import Settings
from tests.ledger.examples import generation


def settings_in(path: Path, **changes: object) -> Settings:
    """Settings that reach no hub."""
    given: dict[str, object] = {"data_dir": path, "bi_encoder": "hashing", "hub": False}
    return Settings(_env_file=None, **(given | changes))  # type: ignore[arg-type,call-arg]


def fingerprint(name: str, token_dimensions: int = 0) -> EncoderFingerprint:
    """Of a hashing model."""
    return HashingBiEncoder(name, token_dimensions=token_dimensions).fingerprint


@dataclass
class Counted:
    """Loads as the shelf does, counts, and may be held up."""

    loop: asyncio.AbstractEventLoop
    wanted: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    asked: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.gate.set()

    def __call__(self, settings: Settings) -> Embedder:
        self.wanted.append(settings.bi_encoder)
        self.loop.call_soon_threadsafe(self.asked.put_nowait, settings.bi_encoder)
        assert self.gate.wait(20)
        return load_embedder(settings)


@pytest.fixture
async def load() -> Counted:
    return Counted(asyncio.get_running_loop())


async def test_an_encoder_is_loaded_by_its_name_and_once(tmp_path: Path, load: Counted) -> None:
    """Callers at the same time share one loading and one model."""
    shelf = EncoderShelf(settings_in(tmp_path), None, load)
    wanted = fingerprint("hashing-32")
    found = await asyncio.gather(*(shelf.embedder_for(wanted) for _ in range(5)))
    assert {id(each) for each in found} == {id(found[0])}
    assert found[0].encoder.fingerprint == wanted
    assert (await found[0].embed_query("tea")).vectors.shape == (1, 32)
    assert load.wanted == ["hashing-32"]
    await shelf.close()


async def test_the_configured_encoder_is_not_loaded_again(tmp_path: Path, load: Counted) -> None:
    """Nor closed: it belongs to whoever opened it."""
    default = InProcessEmbedder(HashingBiEncoder())
    shelf = EncoderShelf(settings_in(tmp_path), default, load)
    assert await shelf.embedder_for(fingerprint("hashing")) is default
    assert await shelf.embedder_named("hashing") is default
    await shelf.close()
    assert (await default.embed_query("tea")).vectors.shape == (1, 64)
    assert not load.wanted
    await default.close()


async def test_other_token_vectors_of_the_configured_model_are_another_encoder(
    tmp_path: Path,
) -> None:
    """A changed WINNOW_TOKEN_DIMENSIONS does not part an index from its vectors."""
    default = InProcessEmbedder(HashingBiEncoder(token_dimensions=16))
    shelf = EncoderShelf(settings_in(tmp_path, token_dimensions=16), default)
    wanted = fingerprint("hashing", 8)
    assert (await shelf.embedder_for(wanted)).encoder.fingerprint == wanted
    await shelf.close()
    await default.close()


async def test_a_model_with_other_vectors_is_refused_by_name(tmp_path: Path, load: Counted) -> None:
    """The error says what the index holds and what is here, and is remembered for a while."""
    shelf = EncoderShelf(settings_in(tmp_path), None, load)
    wanted = replace(fingerprint("hashing-32"), revision="0f0f")
    for _ in range(3):
        with pytest.raises(EncoderMismatch, match=r"hashing-32 at revision 0f0f.*hashing-32 at 1"):
            await shelf.embedder_for(wanted)
    assert load.wanted == ["hashing-32", "hashing"]
    assert list(shelf.missing()) == ["hashing-32"]
    await shelf.close()


async def test_what_is_nowhere_is_told_with_what_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And looked for again later."""
    default = InProcessEmbedder(HashingBiEncoder())
    shelf = EncoderShelf(settings_in(tmp_path), default)
    wanted = replace(fingerprint("hashing"), model="nobody/nothing")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    with pytest.raises(ModelUnavailable, match=r"nobody/nothing.*not in the hub's cache") as caught:
        await shelf.embedder_for(wanted)
    assert not isinstance(caught.value, EncoderMismatch)
    await shelf.close()
    await default.close()


async def test_switched_off_is_off_for_every_generation(tmp_path: Path, load: Counted) -> None:
    """An empty WINNOW_BI_ENCODER loads nothing."""
    shelf = EncoderShelf(settings_in(tmp_path, bi_encoder=""), None, load)
    with pytest.raises(ModelUnavailable, match="switched off"):
        await shelf.embedder_for(fingerprint("hashing"))
    assert not load.wanted


async def test_a_model_from_a_folder_is_found_where_it_was(tmp_path: Path) -> None:
    """A fingerprint names the folder alone; the data directory remembers its path."""
    settings = settings_in(tmp_path)
    Notes(settings.data_path / "models").remember_origin("minilm", "1", "hashing-48")
    wanted = replace(fingerprint("hashing-48"), model="minilm")
    shelf = EncoderShelf(settings, None)
    with pytest.raises(EncoderMismatch, match="hashing-48"):
        await shelf.embedder_for(wanted)
    await shelf.close()


async def test_whoever_gives_up_leaves_the_loading_to_the_others(
    tmp_path: Path, load: Counted
) -> None:
    """A search's deadline does not throw away half a model."""
    load.gate.clear()
    shelf = EncoderShelf(settings_in(tmp_path), None, load)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(shelf.embedder_for(fingerprint("hashing-32")), 0.02)
    load.gate.set()
    await shelf.embedder_for(fingerprint("hashing-32"))
    assert load.wanted == ["hashing-32"]
    await shelf.close()


@pytest.mark.parametrize("idle_s", [0.0, 60.0])
async def test_encoders_that_no_generation_needs_are_closed(
    tmp_path: Path, load: Counted, idle_s: float
) -> None:
    """Once they were idle; those that are needed are loaded before anybody asks, and stay."""
    shelf = EncoderShelf(settings_in(tmp_path), None, load, idle_s=idle_s)
    old, new = fingerprint("hashing-32"), fingerprint("hashing-16")
    await shelf.keep({old, new})
    assert sorted(load.wanted) == ["hashing-16", "hashing-32"]
    gone, stays = await shelf.embedder_for(old), await shelf.embedder_for(new)
    await shelf.keep({new})
    if idle_s:
        assert await shelf.embedder_for(old) is gone
    else:
        with pytest.raises(BackendUnavailable, match="closed"):
            await gone.embed_query("coffee")
    assert (await stays.embed_query("tea")).vectors.shape == (1, 16)
    await shelf.close()


async def test_a_model_for_a_new_generation_is_asked_for_by_name(
    tmp_path: Path, load: Counted
) -> None:
    """What it is comes out of its files; asked for by fingerprint it is the same one."""
    shelf = EncoderShelf(settings_in(tmp_path), None, load)
    named = await shelf.embedder_named("hashing-24-7")
    assert await shelf.embedder_for(named.encoder.fingerprint) is named
    assert await shelf.embedder_named("hashing-24-7") is named
    with pytest.raises(ModelUnavailable):
        await shelf.embedder_named("hashing-")
    await shelf.close()


async def test_a_process_that_serves_has_the_encoders_of_all_generations(
    tmp_path: Path, load: Counted
) -> None:
    """Those being built and those retired too, for they are written to and may become live."""
    ledger = await SqliteLedger.open(tmp_path / "ledger.sqlite")
    shelf = EncoderShelf(settings_in(tmp_path), None, load)
    words = generation("g1")
    await ledger.collections.create(Collection("books"), words)
    coming = fingerprint("hashing-16")
    fresh = generation("g2")
    fresh = replace(fresh, fingerprint=replace(fresh.fingerprint, encoder=coming))
    await ledger.collections.put_generation(fresh)
    assert await needed_encoders(ledger.collections) == {coming}
    async with encoders_kept(ledger.collections, shelf):
        async with asyncio.timeout(20):
            assert await load.asked.get() == "hashing-16"
    await shelf.close()
    await ledger.close()
