"""Reading judged collections."""

from pathlib import Path

import pytest

from evaluation.collections import read_collection
from services.errors import InvalidInput

JUDGED = Path(__file__).parents[1] / "fixtures" / "judged"


def write_collection(
    folder: Path,
    corpus: str = '{"_id": "d1", "title": "T", "text": "one"}\n',
    queries: str = '{"_id": "q1", "text": "first"}\n{"_id": "q2", "text": "second"}\n',
    qrels: str = "q1\td1\t2\nq2\td1\t0\n",
) -> Path:
    """A small collection in BEIR's layout."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    (folder / "corpus.jsonl").write_text(corpus, encoding="utf-8")
    (folder / "queries.jsonl").write_text(queries, encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    return folder


def test_reads_the_fixture():
    """Documents, the split's queries and graded judgments come as they stand in the files."""
    collection = read_collection(JUDGED)
    documents = list(collection.documents())
    assert collection.name == "judged"
    assert len(documents) == 60
    assert documents[0].title == "Chain care"
    assert len(collection.queries) == 26
    assert collection.judgments["q01"] == {"b01": 2, "b08": 0, "b09": 1}


def test_a_split_has_its_own_queries():
    """Only queries that the split judges are kept."""
    assert list(read_collection(JUDGED, "dev").queries) == ["q27"]


def test_the_limit_keeps_the_first_judged_queries():
    """Queries come in the order of their file and judgments follow them."""
    collection = read_collection(JUDGED, limit=3)
    assert list(collection.queries) == ["q01", "q02", "q03"]
    assert set(collection.judgments) == set(collection.queries)


@pytest.mark.parametrize("header", ["", "query-id\tcorpus-id\tscore\n", "qid\tdocid\tscore\r\n"])
def test_the_header_of_judgments_may_be_absent(tmp_path: Path, header: str):
    """The first line is read as a judgment unless its last column is called score."""
    folder = write_collection(tmp_path, qrels=header + "q1\td1\t2\nq2\td1\t0\n")
    assert read_collection(folder).judgments == {"q1": {"d1": 2}, "q2": {"d1": 0}}


def test_ids_may_be_numbers_and_titles_absent(tmp_path: Path):
    """JSON numbers as ids are taken as their digits, a byte order mark is skipped."""
    folder = write_collection(
        tmp_path, corpus='\ufeff{"_id": 7, "text": "one"}\n\n', qrels="q1\t7\t1\n"
    )
    (document,) = read_collection(folder).documents()
    assert (document.id, document.title) == ("7", "")


def test_the_hash_follows_the_corpus_alone(tmp_path: Path):
    """Other queries leave the stores valid; another corpus does not."""
    first = read_collection(write_collection(tmp_path)).corpus_hash
    other_queries = write_collection(
        tmp_path, queries='{"_id": "q1", "text": "x"}\n', qrels="q1\td1\t1"
    )
    assert read_collection(other_queries).corpus_hash == first
    other_corpus = write_collection(tmp_path, corpus='{"_id": "d1", "text": "two"}\n')
    assert read_collection(other_corpus).corpus_hash != first


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"qrels": "q1 d1 1\n"}, r"test\.tsv, line 1 needs query id"),
        ({"qrels": "q1\td1\t1\nq1\td1\t0.5\n"}, r"test\.tsv, line 2 needs query id"),
        ({"qrels": "query-id\tcorpus-id\tscore\n"}, "holds no judgments"),
        ({"qrels": "q9\td1\t1\n"}, "judges the query 'q9', which queries.jsonl does not hold"),
        ({"queries": "{}\n"}, r'queries\.jsonl, line 1 has no "_id"'),
        ({"queries": '{"_id": "q1"}\n'}, r'queries\.jsonl, line 1 has no "text"'),
        ({"queries": '{"_id": "q1", "text": "a"}\n' * 2}, "line 2 repeats the id 'q1'"),
        ({"queries": "[1]\n"}, "line 1 is not a JSON object"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, files: dict[str, str], message: str):
    """A fault in queries or judgments names the file and the line."""
    with pytest.raises(InvalidInput, match=message):
        read_collection(write_collection(tmp_path, **files))


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        (b'{"_id": "a", "text": "x"}\n{"_id": "b", "te', "line 2 is not JSON"),
        (b'{"_id": "a", "text": "x"}\n' * 2, "line 2 repeats the id 'a'"),
        (b'{"_id": "a", "text": null}\n', 'line 1 has no "text"'),
        (b'{"_id": "a", "title": 3, "text": ""}\n', 'line 1 has no "title"'),
        (b'{"_id": "a", "text": "\xff"}\n', "line 1 is not UTF-8"),
    ],
)
def test_faults_of_the_corpus_are_named_with_their_line(
    tmp_path: Path, corpus: bytes, message: str
):
    """The corpus is streamed, so its faults come while documents are read."""
    folder = write_collection(tmp_path)
    (folder / "corpus.jsonl").write_bytes(corpus)
    with pytest.raises(InvalidInput, match=message):
        list(read_collection(folder).documents())


def test_an_absent_split_lists_those_that_exist():
    """A wrong --split says which ones the folder has."""
    with pytest.raises(InvalidInput, match=r"no qrels/train\.tsv; the splits here are: dev, test"):
        read_collection(JUDGED, "train")


def test_an_absent_folder_says_what_a_collection_is(tmp_path: Path):
    """A wrong path explains the layout."""
    with pytest.raises(InvalidInput, match=r"has corpus\.jsonl, queries\.jsonl and qrels"):
        read_collection(tmp_path / "nothing")
