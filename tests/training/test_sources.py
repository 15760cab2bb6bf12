"""Judgments are read from folders, pairs and clicks, and faults are named."""

import json
from pathlib import Path

import pytest

from evaluation.training.recipe import Recipe, SourceChoice, read_recipe_file
from evaluation.training.sources import read_sources
from services.errors import InvalidInput


def _lines(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _read(root: Path, **choice: object) -> object:
    return read_sources([SourceChoice(**choice)], root)[0]  # type: ignore[arg-type]


def test_pairs_become_graded_documents(tmp_path: Path) -> None:
    """A positive answers, a negative was judged, an unjudged text is only in the corpus."""
    row = {"query": "q", "title": "T", "positive": "yes", "negatives": ["no"], "unjudged": ["?"]}
    _lines(tmp_path / "pairs.jsonl", row, {"query": "q", "positive": "also"})
    judged = read_sources([SourceChoice(path="pairs.jsonl")], tmp_path)[0]
    texts = {document.id: document.text for document in judged.documents}
    assert sorted(texts.values()) == ["?", "also", "no", "yes"]
    grades = {texts[each]: grade for each, grade in judged.queries[0].grades.items()}
    assert grades == {"yes": 1, "also": 1, "no": 0}


def test_sources_of_one_corpus_are_searched_together(tmp_path: Path) -> None:
    """Each query keeps its source and that source's weight."""
    _lines(tmp_path / "a" / "pairs.jsonl", {"query": "q", "positive": "one"})
    _lines(tmp_path / "b" / "pairs.jsonl", {"query": "q", "positive": "two"})
    choices = [
        SourceChoice(path=f"{name}/pairs.jsonl", corpus="both", weight=weight)
        for name, weight in (("a", 1.0), ("b", 3.0))
    ]
    judged = read_sources(choices, tmp_path)
    assert len(judged) == 1
    assert {(each.source, each.weight) for each in judged[0].queries} == {("a", 1.0), ("b", 3.0)}
    assert len(judged[0].documents) == 2


def test_a_folder_gives_its_split(tmp_path: Path) -> None:
    """BEIR's layout, with its own grades."""
    _lines(tmp_path / "set" / "corpus.jsonl", {"_id": "d", "title": "", "text": "text"})
    _lines(tmp_path / "set" / "queries.jsonl", {"_id": "1", "text": "what"})
    qrels = tmp_path / "set" / "qrels" / "train.tsv"
    qrels.parent.mkdir()
    qrels.write_text("query-id\tcorpus-id\tscore\n1\td\t2\n")
    judged = read_sources([SourceChoice(path="set")], tmp_path)[0]
    assert [(each.text, dict(each.grades)) for each in judged.queries] == [("what", {"d": 2})]


def test_clicks_need_the_documents_that_they_speak_of(tmp_path: Path) -> None:
    """A log holds ids alone."""
    shown = {"query": "q", "shown": ["a", "b"], "clicked": "b"}
    _lines(tmp_path / "clicks.jsonl", shown, shown)
    with pytest.raises(InvalidInput, match=r"name the corpus\.jsonl"):
        _read(tmp_path, path="clicks.jsonl")
    _lines(tmp_path / "corpus.jsonl", {"_id": "a", "text": "x"}, {"_id": "b", "text": "y"})
    choice = SourceChoice(path="clicks.jsonl", documents="corpus.jsonl")
    assert dict(read_sources([choice], tmp_path)[0].queries[0].grades) == {"b": 1, "a": 0}


def test_language_and_limit_narrow_a_source(tmp_path: Path) -> None:
    """Lines of another language are left out; the limit takes the same queries every time."""
    rows = [{"query": f"q{i}", "positive": f"p{i}", "lang": "en"} for i in range(9)]
    _lines(tmp_path / "pairs.jsonl", *rows, {"query": "f", "positive": "m", "lang": "de"})
    choice = SourceChoice(path="pairs.jsonl", language="en", limit=4)
    first, again = (read_sources([choice], tmp_path)[0] for _ in range(2))
    assert len(first.queries) == 4
    assert first == again
    assert "f" not in {each.text for each in first.queries}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"query": "q"}', 'line 1 has no "positive"'),
        ("[1]", "line 1 is not a JSON object"),
        ('{"query"', "line 1 is not JSON"),
        ("", "No query of"),
    ],
)
def test_faults_name_file_and_line(content: str, message: str, tmp_path: Path) -> None:
    """So that whoever wrote the file can mend it."""
    (tmp_path / "pairs.jsonl").write_text(content)
    with pytest.raises(InvalidInput, match=message):
        _read(tmp_path, path="pairs.jsonl")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """And nothing at all is a sentence too."""
    with pytest.raises(InvalidInput, match=r"absent\.jsonl cannot be read"):
        _read(tmp_path, path="absent.jsonl")
    with pytest.raises(InvalidInput, match="nothing to learn from"):
        read_sources([], tmp_path)


def test_a_recipe_names_what_is_wrong_in_it(tmp_path: Path) -> None:
    """A key that does not exist is an error, not a silent default."""
    file = tmp_path / "recipe.toml"
    file.write_text('base = "b"\n[[source]]\npath = "p"\nwieght = 2\n')
    with pytest.raises(InvalidInput, match=r"source\.0\.wieght"):
        read_recipe_file(file)
    file.write_text("base = ")
    with pytest.raises(InvalidInput, match="is not TOML"):
        read_recipe_file(file)


def test_a_recipe_survives_its_own_json(tmp_path: Path) -> None:
    """The copy in a model's folder says all that the file said."""
    recipe = Recipe(source=(SourceChoice(path="p", weight=2.0),))
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
