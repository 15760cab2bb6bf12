"""Every command as a real process: what it prints, where, and its exit code."""

import json
from pathlib import Path

import pytest

from tests.conftest import Winnow, winnow_in

SNOW = "# Snow leopards\n\nThey live in the mountains.\n\n## Food\n\nThey hunt blue sheep.\n"


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Winnow:
    """A collection of four documents that tests only read."""
    winnow = winnow_in(tmp_path_factory.mktemp("stocked"))
    (winnow.folder / "snow.md").write_text(SNOW)
    records = [
        {"id": "a/b ü", "text": "A python eats mice.", "title": "Python", "year": 2020},
        {"id": "c", "text": "A cobra eats a python.", "title": "Cobra", "year": 2024},
        {"id": "d", "text": "Mice eat cheese.", "title": "Mouse", "year": 2024},
    ]
    lines = "\n".join(map(json.dumps, records))
    (winnow.folder / "animals.jsonl").write_text(lines)
    done = winnow("ingest", "snow.md", "animals.jsonl")
    assert done.code == 0, done.err
    assert "4 read, 4 new or changed, 0 unchanged, 0 refused." in done.err
    assert not done.out
    return winnow


def test_search_shows_results_with_their_passages(stocked: Winnow) -> None:
    """Rank, title, id, headings, passage, stages: all on standard output, nothing beside it."""
    done = stocked("search", "blue", "sheep", "--explain")
    assert done.code == 0
    first = done.out.index(" 1. Snow leopards")
    assert first < done.out.index("snow.md") < done.out.index("blue sheep")
    assert "words #1" in done.out
    assert "Words (BM25)" in done.out
    assert not done.err


def test_search_as_json_is_the_answer_of_the_api(stocked: Winnow) -> None:
    """One object with the contract's fields, and nothing on standard error."""
    done = stocked("search", "python", "--json", "--size", "1", "--facet", "year")
    assert done.code == 0
    assert not done.err
    answer = done.json()
    assert answer["results"][0]["id"] in {"a/b ü", "c"}
    assert answer["total"] == {"value": 2, "relation": "eq"}
    assert answer["facets"]["year"] == [{"value": 2020, "count": 1}, {"value": 2024, "count": 1}]
    assert answer["next"]


def test_filters_and_sort(stocked: Winnow) -> None:
    """Conditions as people type them, JSON as programs do, and an order by a key."""
    recent = stocked("search", "--filter", "year>=2024", "--sort", "-year", "--json").json()
    assert {result["id"] for result in recent["results"]} == {"c", "d"}
    raw = '{"key": "year", "type": "lt", "value": 2024}'
    early = stocked("search", "python", "--filters", raw, "--mode", "lexical", "--json").json()
    assert [result["id"] for result in early["results"]] == ["a/b ü"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["search", "x", "--filter", "year"], "KEY=VALUE"),
        (["search", "x", "--filter", "colour=red"], "declares no key 'colour'"),
        (["search", "x", "--filters", "{"], "--filters takes JSON"),
        (["search", "x", "--mode", "psychic"], "--mode"),
        (["search", "x", "--size", "1000000000"], "--size"),
        (["search", "x", "-c", "Not a name"], ""),
        (["search", "x", "--next", "forged"], ""),
        (["frobnicate"], "frobnicate"),
        (["ingest"], "PATH"),
        (["ingest", "snow.md", "--format", "wav"], "'wav' is not a format"),
        (["collections", "create", "x", "--field", "year"], "KEY=TYPE"),
        (["collections", "create", "x", "--field", "year=number"], "number"),
        (["collections", "create", "Not a name"], "lower-case"),
    ],
)
def test_faulty_usage_ends_with_a_sentence(
    stocked: Winnow, arguments: list[str], says: str
) -> None:
    """Exit code 2 (1 where the thing named does not exist), a sentence, no output."""
    done = stocked(*arguments)
    assert done.code in {1, 2}
    assert says in done.err
    assert done.err.strip()
    assert not done.out


def test_documents_are_got_and_listed(stocked: Winnow) -> None:
    """By any id, for people and for programs."""
    document = stocked("documents", "get", "a/b ü", "--json").json()
    assert document["text"] == "A python eats mice."
    assert document["metadata"] == {"year": 2020}
    assert "A python eats mice." in stocked("documents", "get", "a/b ü").out
    listed = stocked("documents", "list", "--json", "--limit", "3").json()
    assert [each["id"] for each in listed] == ["a/b ü", "c", "d"]
    assert "snow.md" in stocked("documents", "list", "--after", "d").out
    missing = stocked("documents", "get", "nowhere")
    assert missing.code == 1
    assert "nowhere" in missing.err


def test_collections_come_and_go(winnow: Winnow) -> None:
    """Created with a schema, listed, and removed only when that was meant."""
    assert winnow("collections", "create", "news", "--field", "day=date").code == 0
    again = winnow("collections", "create", "news")
    assert again.code == 1
    assert "news" in again.err
    listed = winnow("collections", "list", "--json").json()
    assert [(each["name"], each["schema"]) for each in listed] == [("news", {"day": "date"})]
    assert winnow("collections", "delete", "news").code == 1
    assert winnow("collections", "delete", "news", "--yes").code == 0
    assert winnow("collections", "list", "--json").json() == []


def test_ingest_again_changes_nothing_and_prune_removes_what_is_gone(winnow: Winnow) -> None:
    """Unchanged documents are told apart; pruning deletes only what the paths do not hold."""
    folder = winnow.folder / "notes"
    folder.mkdir()
    (folder / "one.txt").write_text("The first note.")
    (folder / "two.txt").write_text("The second note.")
    assert winnow("ingest", "notes", "--json").json()["stored"] == 2
    (folder / "two.txt").unlink()
    again = winnow("ingest", "notes", "--prune", "--json")
    assert again.code == 0
    outcome = again.json()
    assert (outcome["stored"], outcome["unchanged"], outcome["pruned"]) == (0, 1, 1)
    left = winnow("documents", "list", "--json").json()
    assert [each["id"] for each in left] == ["one.txt"]


def test_what_cannot_be_read_is_named_and_stops_nothing(winnow: Winnow) -> None:
    """Exit code 3, the reason on standard error or in the JSON, the rest stored."""
    folder = winnow.folder / "mixed"
    folder.mkdir()
    (folder / "good.txt").write_text("A good file.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    done = winnow("ingest", "mixed", "missing.txt", "--prune")
    assert done.code == 3
    assert "refused mixed/broken.pdf: " in done.err
    assert "refused missing.txt: There is no such file" in done.err
    assert "1 .png" in done.err
    assert "Nothing was pruned" in done.err
    outcome = winnow("ingest", "mixed", "--json")
    assert outcome.code == 3
    assert outcome.json()["refused"][0]["source"].endswith("broken.pdf")
    assert outcome.json()["unchanged"] == 1


def test_a_dry_run_stores_nothing(winnow: Winnow) -> None:
    """It reads everything and does not even make a data directory."""
    (winnow.folder / "a.txt").write_text("A note.")
    assert winnow("ingest", "a.txt", "--dry-run", "--json").json()["read"] == 1
    assert not winnow.data_dir.exists()


def test_standard_input_is_a_source(winnow: Winnow) -> None:
    """Records piped in are documents like any others."""
    lines = b'{"id": "x", "text": "piped words"}\n{"id": "y", "text": "more"}\n'
    assert (
        winnow(
            "ingest",
            "-",
            "--format",
            "jsonl",
            stdin=lines,
        ).code
        == 0
    )
    assert winnow("search", "piped", "--json").json()["results"][0]["id"] == "x"


def test_documents_are_deleted_and_no_longer_found(winnow: Winnow) -> None:
    """Deleting what is not there is exit code 1 and says so."""
    (winnow.folder / "a.txt").write_text("A unicorn.")
    winnow("ingest", "a.txt")
    done = winnow("documents", "delete", "a.txt", "--json")
    assert (done.code, done.json()) == (0, {"deleted": 1, "not_found": 0})
    assert winnow("documents", "delete", "a.txt").code == 1
    assert winnow("search", "unicorn", "--json").json()["results"] == []


def test_version_and_doctor(stocked: Winnow) -> None:
    """What runs here, on what, with which models."""
    assert stocked("--version").out.startswith("winnow 0.")
    report = stocked("doctor", "--json").json()
    assert report["collections"] == {"default": 4}
    assert report["models"]["bi_encoder"].startswith("hashing")
    assert report["unreachable"] == {}


def test_a_backend_that_does_not_answer_is_exit_code_4(winnow: Winnow) -> None:
    """No server at the address, a data directory that cannot be, a newer format."""
    nobody = winnow("search", "x", "--server", "http://127.0.0.1:9")
    assert nobody.code == 4
    assert "No Winnow answers at http://127.0.0.1:9" in nobody.err
    assert winnow("doctor", "--server", "http://127.0.0.1:9").code == 4
    (winnow.folder / "file").write_text("")
    blocked = winnow("search", "x", "--data-dir", "file")
    assert blocked.code == 4
    assert "cannot be" in blocked.err
    winnow.data_dir.mkdir()
    (winnow.data_dir / "format.json").write_text('{"format": 999}')
    assert winnow("search", "x").code == 4


def test_a_faulty_setting_is_named(winnow: Winnow) -> None:
    """Exit code 2 and the variable's name."""
    done = winnow("search", "x", WINNOW_PORT="many")
    assert done.code == 2
    assert "WINNOW_PORT" in done.err


def test_evaluate_prints_one_object(winnow: Winnow) -> None:
    """On a judged collection of our own, progress beside it on standard error."""
    folder = winnow.folder / "judged"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": f"d{n}", "text": text} for n, text in enumerate(("red fox", "blue whale"))]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "whale"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    done = winnow("evaluate", str(folder), "--json", "--runs", "runs")
    assert done.code == 0, done.err
    report = done.json()
    assert report["systems"]["bm25"]["nDCG@10"] == 1.0
    assert list(Path(winnow.folder, "runs").iterdir())
    assert winnow("evaluate", "nowhere").code == 2
