"""``winnow admin``: another configuration while it serves, and back."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cli.main import app
from cli.running import guarded
from tests.cli.test_serving import serving
from tests.conftest import Winnow

Command = Callable[..., int]


def fill(folder: Path) -> None:
    """A few notes and judged queries over them."""
    notes = folder / "notes"
    notes.mkdir()
    for number, topic in enumerate(("tea", "coffee", "bread", "river", "zebra", "harbour")):
        (notes / f"{topic}.txt").write_text(f"All about {topic}: note {number} of many. " * 6)
    (notes / "cat.txt").write_text("Die Katzen schlafen auf den Dächern.")
    judged = folder / "judged"
    (judged / "qrels").mkdir(parents=True)
    (judged / "queries.jsonl").write_text('{"_id": "c", "text": "katze dach"}')
    (judged / "qrels" / "test.tsv").write_text("c\tcat.txt\t1\n")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command in this process, on a data directory of its own, with notes ingested."""
    for name, value in {
        "WINNOW_DATA_DIR": str(tmp_path / "data"),
        "WINNOW_BI_ENCODER": "hashing",
        "WINNOW_CROSS_ENCODER": "",
        "WINNOW_DEADLINE_MS": "60000",
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)

    def run(*arguments: str) -> int:
        try:
            return guarded(lambda: app(arguments, prog_name="winnow"))
        except SystemExit as ending:
            return int(ending.code or 0)

    assert run("ingest", "notes", "--language", "en") == 0
    return run


def states(command: Command, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Of every generation, oldest first."""
    capsys.readouterr()
    assert command("admin", "generations", "--json") == 0
    return [each["state"] for each in json.loads(capsys.readouterr().out)]


def test_a_model_is_changed_and_taken_back_without_a_server(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Built, checked and switched in this process; one command leads back."""
    choices = tmp_path / "build.toml"
    choices.write_text('bi_encoder = "hashing-32"\nchunk_tokens = 40\n')
    order = ("admin", "reindex", "--config", str(choices), "--overlap-tokens", "4")
    assert command(*order) == 0
    said = capsys.readouterr().err
    assert "hashing-32 · chunks of 40, overlap 4" in said
    for name in ("complete", "refused", "contents", "samples"):
        assert f"passed {name}: " in said
    assert "'winnow admin activate' switches to it" in said
    assert states(command, capsys) == ["live", "ready"]
    assert command("admin", "activate") == 0
    assert states(command, capsys) == ["retired", "live"]
    assert command("admin", "generations") == 0
    assert "written to, and kept, until" in capsys.readouterr().out
    assert command("admin", "gc") == 0
    assert capsys.readouterr().err.count(" stays: ") == 2
    assert command("admin", "rollback") == 0
    assert states(command, capsys) == ["live", "retired"]
    assert command("admin", "reindex") == 1
    assert "--force" in capsys.readouterr().err


def test_a_loss_of_quality_refuses_the_switch(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table is printed, the live generation stays, and the exit code says so."""
    alone = ("admin", "reindex", "--model", "none", "--activate")
    assert command(*alone, "--language", "de") == 0
    worse = (*alone, "--language", "own", "--judgments", "judged", "--max-drop", "0.1")
    assert command(*worse) == 1
    said = capsys.readouterr().err
    assert "nDCG@10 1.0000 before, 0.0000 after" in said
    assert "-1.000" in said
    assert "as users get it" in said
    assert states(command, capsys) == ["retired", "live", "ready"]
    assert command("admin", "audit", "--json") == 0
    newest = json.loads(capsys.readouterr().out)[0]
    assert (newest["action"], newest["outcome"]) == ("activate", "refused")
    # It stays refused, until it is measured again or forced.
    assert command("admin", "activate") == 2
    assert "at most 0.1 may be lost" in capsys.readouterr().err
    assert command("admin", "generations") == 0
    assert "at most 0.1 may be lost" in " ".join(capsys.readouterr().out.split())
    assert command(*alone, "--language", "own") == 2
    measured = ("admin", "reindex", "--model", "none", "--language", "own", "--judgments", "judged")
    assert command(*measured, "--max-drop", "0.2") == 1
    assert command("admin", "activate") == 2
    assert "at most 0.2 may be lost" in capsys.readouterr().err
    assert command(*measured, "--max-drop", "1") == 0
    assert command("admin", "activate") == 0
    assert command("admin", "rollback") == 0
    assert command("admin", "reindex", "--model", "none", "--language", "own", "--force") == 0
    assert states(command, capsys) == ["retired", "live", "retired", "ready"]
    assert command("admin", "cancel") == 0
    assert states(command, capsys) == ["retired", "live", "retired"]


def test_what_cannot_be_is_said(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with a sentence and the exit code of a wrong command."""
    for arguments, named in (
        (("reindex", "--config", "judged/qrels/test.tsv"), "TOML"),
        (("reindex", "--chunk-tokens", "999"), "254"),
        (("reindex", "--speed", "quick"), "no speed"),
        (("speed", "0%"), "no speed"),
        (("pause",), "No generation is building"),
        (("activate",), "No generation is ready"),
        (("rollback",), "no retired generation"),
    ):
        assert command("admin", *arguments) == 2, arguments
        assert named in capsys.readouterr().err


@pytest.mark.timeout(400)
def test_a_server_builds_while_it_serves(winnow: Winnow) -> None:
    """The command watches, or leaves it alone; giving up and switching are commands too."""
    fill(winnow.folder)
    assert winnow("ingest", "notes").code == 0
    with serving(winnow) as url:

        def now() -> list[str]:
            answer = httpx.get(f"{url}/v1/admin/generations", timeout=60).json()
            return [each["state"] for each in answer["generations"]]

        left = winnow("admin", "reindex", "--model", "none", "--speed", "50%", "--detach")
        assert left.code == 0, left.err
        assert winnow("admin", "cancel").code == 0
        assert now() == ["live"]
        done = winnow("admin", "reindex", "--chunk-tokens", "30", "--activate")
        assert done.code == 0, done.err
        assert now() == ["retired", "live"]
        question = {"query": "zebra", "deadline_ms": 60_000}
        found = httpx.post(f"{url}/v1/collections/default/search", json=question, timeout=60).json()
        assert found["results"][0]["id"] == "zebra.txt"
