"""Where models are found, and what is said where they are not."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.errors import ModelUnavailable
from services.models.finding import find_model
from services.models.hub import HubModel, find_cached
from services.models.loading import load_bi_encoder, load_cross_encoder
from services.models.notes import Notes
from services.models.weights import Weights
from services.settings import Settings
from tests.models.conftest import MakeModel, MakeSettings

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MS_MARCO = "cross-encoder/ms-marco-MiniLM-L6-v2"
# One that no installation carries.
LARGER = "cross-encoder/ms-marco-MiniLM-L12-v2"


@pytest.fixture(autouse=True)
def hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty hub cache, so that no test depends on what the machine has fetched."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "hub"


@pytest.fixture
def silent_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A hub that takes connections and never answers; counts them."""
    connections: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return
                connections.append(1)

        threading.Thread(target=accept, daemon=True).start()
        yield connections
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


def _fill_cache(cache: Path, repository: str, commit: str, model: Path) -> None:
    folder = cache / ("models--" + repository.replace("/", "--"))
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(commit)
    (folder / "snapshots").mkdir()
    (folder / "snapshots" / commit).symlink_to(model)


def test_the_offline_package_stands_in(make_settings: MakeSettings) -> None:
    """all-MiniLM-L6-v2 is found where no hub is asked, with its published weights."""
    found = find_model(MINILM, make_settings())
    assert found.source == "offline package"
    assert found.revision == "53aa51172d14"


def test_a_path_wins(make_model: MakeModel, make_settings: MakeSettings) -> None:
    """A folder is taken as it is, and its revision follows its weights."""
    folder = make_model("Bert")
    found = find_model(str(folder), make_settings())
    assert (found.path, found.source, found.name) == (folder, "path", folder.name)
    assert found.revision == Notes(folder).sha256(folder / "model.safetensors")[:12]


def test_a_path_that_is_not_there_is_named(make_settings: MakeSettings, tmp_path: Path) -> None:
    """No hub is asked for something that is plainly a path."""
    with pytest.raises(ModelUnavailable, match="correct the path"):
        find_model(str(tmp_path / "nothing"), make_settings(hub=True))


@pytest.mark.parametrize("cached_as", [MS_MARCO, "cross-encoder/ms-marco-MiniLM-L-6-v2"])
@pytest.mark.parametrize("wanted", [MS_MARCO, "cross-encoder/ms-marco-MiniLM-L-6-v2"])
def test_both_spellings_name_one_model(
    wanted: str,
    cached_as: str,
    hub_cache: Path,
    make_model: MakeModel,
    make_settings: MakeSettings,
) -> None:
    """A model cached under either name answers to both."""
    _fill_cache(hub_cache, cached_as, "c0ffee", make_model("Bert"))
    found = find_model(wanted, make_settings())
    assert (found.name, found.source) == (MS_MARCO, "hub cache")


def test_half_a_download_is_not_a_model(hub_cache: Path, tmp_path: Path) -> None:
    """A snapshot without a tokenizer does not count as cached."""
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.json").write_text("{}")
    _fill_cache(hub_cache, "some/model", "abc", tmp_path / "half")
    assert find_cached(HubModel("some/model", "main")) is None


def test_a_silent_hub_is_asked_once(silent_hub: list[int], tmp_path: Path) -> None:
    """It costs five seconds at most, and the next command does not ask again."""
    settings = Settings(data_dir=tmp_path / "data", cross_encoder=LARGER)
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match="did not answer"):
        load_cross_encoder(settings)
    assert time.monotonic() - started < 10
    asked = len(silent_hub)
    assert asked >= 1
    with pytest.raises(ModelUnavailable, match="not asked again"):
        load_cross_encoder(settings)
    assert len(silent_hub) == asked


def test_a_silence_is_forgotten_after_an_hour(tmp_path: Path) -> None:
    """What is remembered carries its time."""
    notes = Notes(tmp_path)
    notes.remember_hub_failure("https://hub.example", "it did not answer")
    assert notes.hub_failure("https://hub.example") == "it did not answer"
    assert notes.hub_failure("https://other.example") == ""
    old = {"https://hub.example": {"at": time.time() - 3_601, "reason": "it did not answer"}}
    (tmp_path / "hub.json").write_text(json.dumps(old))
    assert notes.hub_failure("https://hub.example") == ""


def test_a_hub_that_is_switched_off_is_not_asked(silent_hub: list[int], tmp_path: Path) -> None:
    """WINNOW_HUB=false; the message lists what was tried."""
    settings = Settings(data_dir=tmp_path, cross_encoder=LARGER, hub=False)
    with pytest.raises(ModelUnavailable, match=r"switched off.*offline package.*Set the model"):
        load_cross_encoder(settings)
    assert not silent_hub


def test_digests_follow_the_file(tmp_path: Path) -> None:
    """A digest is remembered until the file's size or time changes."""
    notes, file = Notes(tmp_path / "notes"), tmp_path / "weights"
    file.write_bytes(b"one")
    first = notes.sha256(file)
    assert notes.sha256(file) == first
    file.write_bytes(b"three")
    assert notes.sha256(file) != first


@pytest.mark.parametrize("damage", [b"", b"\xff" * 64, b"\x08\0\0\0\0\0\0\0notjson!"])
def test_damaged_weights_are_refused(damage: bytes, tmp_path: Path) -> None:
    """Not with a crash: with what to do."""
    file = tmp_path / "model.safetensors"
    file.write_bytes(damage)
    with pytest.raises(ModelUnavailable, match="fetch the model again"):
        Weights([file])


def test_an_encoder_is_no_cross_encoder(make_settings: MakeSettings) -> None:
    """A model without a classification head says so."""
    with pytest.raises(ModelUnavailable, match="no classification head"):
        load_cross_encoder(make_settings(cross_encoder=MINILM))


def test_a_cross_encoder_of_several_labels_is_refused(
    make_model: MakeModel, make_settings: MakeSettings
) -> None:
    """One pair has one score."""
    folder = make_model("Bert", num_labels=3)
    with pytest.raises(ModelUnavailable, match="one label"):
        load_cross_encoder(make_settings(cross_encoder=str(folder)))


def test_an_unreadable_configuration_is_refused(
    tmp_path: Path, make_settings: MakeSettings
) -> None:
    """A model folder with half a config.json."""
    (tmp_path / "config.json").write_text('{"model_type": "be')
    (tmp_path / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load_bi_encoder(make_settings(bi_encoder=str(tmp_path)))
