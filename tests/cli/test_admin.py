"""``winnow admin``: another configuration while it serves, and back."""

import json
from pathlib import Path

from tests.cli.test_serving import serving
from tests.conftest import Winnow


def fill(winnow: Winnow) -> None:
    """A few notes and judged queries over them."""
    notes = winnow.folder / "notes"
    notes.mkdir()
    for number, topic in enumerate(("tea", "coffee", "bread", "river", "zebra", "harbour")):
        (notes / f"{topic}.txt").write_text(f"All about {topic}: note {number} of many. " * 6)
    judged = winnow.folder / "judged"
    (judged / "qrels").mkdir(parents=True)
    queries = [{"_id": topic, "text": f"about {topic}"} for topic in ("tea", "zebra")]
    (judged / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (judged / "qrels" / "test.tsv").write_text("tea\ttea.txt\t1\nzebra\tzebra.txt\t1\n")
    assert winnow("ingest", "notes").code == 0


def states(winnow: Winnow) -> list[str]:
    """Of every generation, oldest first."""
    return [each["state"] for each in winnow("admin", "generations", "--json").json()]


def test_a_model_is_changed_and_taken_back_without_a_server(winnow: Winnow) -> None:
    """Built, checked, measured and switched in this process; one command leads back."""
    fill(winnow)
    choices = Path(winnow.folder / "build.toml")
    choices.write_text('bi_encoder = "hashing-32"\nchunk_tokens = 40\n')
    done = winnow(
        *("admin", "reindex", "--config", str(choices), "--overlap-tokens", "4"),
        *("--judgments", "judged", "--activate"),
    )
    assert done.code == 0, done.err
    assert "hashing-32 · chunks of 40, overlap 4" in done.err
    assert "passed contents" in done.err
    assert "as users get it" in done.err
    assert states(winnow) == ["retired", "live"]
    listing = winnow("admin", "generations")
    assert "written to, and kept, until" in listing.out
    assert winnow("admin", "gc").err.count("stays") == 2
    assert winnow("admin", "rollback").code == 0
    assert states(winnow) == ["live", "retired"]
    again = winnow("admin", "reindex")
    assert (again.code, "--force" in again.err) == (1, True)


def test_a_loss_of_quality_refuses_the_switch(winnow: Winnow) -> None:
    """The table is printed, the live generation stays, and the exit code says so."""
    fill(winnow)
    (winnow.folder / "notes" / "cat.txt").write_text("Die Katzen schlafen auf den Dächern.")
    assert winnow("ingest", "notes", "--language", "en").code == 0
    (winnow.folder / "judged" / "queries.jsonl").write_text('{"_id": "c", "text": "katze dach"}')
    (winnow.folder / "judged" / "qrels" / "test.tsv").write_text("c\tcat.txt\t1\n")
    alone = ("admin", "reindex", "--model", "none", "--activate")
    assert winnow(*alone, "--language", "de").code == 0
    worse = winnow(*alone, "--language", "own", "--judgments", "judged", "--max-drop", "0.1")
    assert worse.code == 1, worse.err
    assert "nDCG@10 1.0000 before, 0.0000 after" in worse.err
    assert "-1.000" in worse.err
    assert states(winnow) == ["retired", "live", "ready"]
    wrong = winnow("admin", "reindex", "--config", "judged/qrels/test.tsv")
    assert (wrong.code, "TOML" in wrong.err) == (2, True)


def test_a_server_builds_while_it_serves(winnow: Winnow) -> None:
    """The command watches, or leaves it alone; giving up and switching are commands too."""
    fill(winnow)
    with serving(winnow):
        left = winnow("admin", "reindex", "--model", "none", "--speed", "50%", "--detach")
        assert left.code == 0, left.err
        assert winnow("admin", "speed", "quick").code == 2
        assert winnow("admin", "cancel").code == 0
        assert states(winnow) == ["live"]
        done = winnow("admin", "reindex", "--chunk-tokens", "30", "--activate")
        assert done.code == 0, done.err
        assert states(winnow) == ["retired", "live"]
        assert winnow("admin", "pause").code == 2
        found = winnow("search", "zebra", "--json").json()
        assert found["results"][0]["id"] == "zebra.txt"
        assert winnow("admin", "activate", "g0001").code == 0
        assert states(winnow) == ["live", "retired"]
