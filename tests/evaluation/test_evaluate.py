"""Evaluation through the real pipeline on a small judged collection of our own."""

import asyncio
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import ir_measures
import pytest
from rich.console import Console

from evaluation.collections import read_collection
from evaluation.evaluate import evaluate
from evaluation.report import Report
from evaluation.systems import BM25, FUSED
from services.assembly import open_services
from services.settings import Settings

JUDGED = Path(__file__).parents[1] / "fixtures" / "judged"

# Half of the queries share no word with what they look for, so words alone find half, and
# fusion lies between the legs. The tolerance covers other versions of the analyzers.
GOLDEN_NDCG = {"bm25": 0.587, "vector": 0.982, "fused": 0.822}
TOLERANCE = 0.03


@dataclass
class Evaluated:
    """A first run with every stage, and what it said while it worked."""

    settings: Settings
    report: Report
    activities: set[str]
    runs: Path


def settings_in(folder: Path, **changes: object) -> Settings:
    """The offline bi-encoder and the shipped word-overlap reranker, asking no hub."""
    chosen = {
        "data_dir": folder, "hub": False, "cross_encoder": "overlap", "precision": "fp32",
        "token_dimensions": 0,
    }  # fmt: skip
    return Settings(_env_file=None, **(chosen | changes))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    folder = tmp_path_factory.mktemp("evaluated")
    settings, activities = settings_in(folder / "data"), set()
    report = asyncio.run(
        evaluate(
            settings,
            JUDGED,
            runs=folder / "runs",
            progress=lambda activity, _done, _total: activities.add(activity),
        )
    )
    return Evaluated(settings, report, activities, folder / "runs")


def test_the_collection_is_counted(evaluated: Evaluated):
    """Every document is indexed, and only judged queries are asked."""
    report = evaluated.report
    assert (report.collection, report.documents, report.chunks) == ("judged", 60, 60)
    assert report.queries == 26
    assert "Indexing" in evaluated.activities


@pytest.mark.parametrize("system", GOLDEN_NDCG)
def test_golden_figures(evaluated: Evaluated, system: str):
    """Quality on texts of our own stays where it was when it was last looked at."""
    measured = evaluated.report.means()[system]
    assert measured is not None
    assert measured["nDCG@10"] == pytest.approx(GOLDEN_NDCG[system], abs=TOLERANCE)


def test_fusion_loses_no_recall(evaluated: Evaluated):
    """What either leg finds is in the fused list."""
    means = evaluated.report.means()
    assert means["fused"]["R@100"] >= max(means["bm25"]["R@100"], means["vector"]["R@100"])


def test_the_json_object_has_the_agreed_shape(evaluated: Evaluated):
    """Keys and the place of a missing stage are a contract; late interaction is missing here."""
    shown = evaluated.report.to_json()
    assert list(shown) == ["collection", "documents", "chunks", "queries", "settings", "systems"]
    systems = shown["systems"]
    assert list(systems) == ["bm25", "vector", "fused", "late", "reranked"]
    assert systems["late"] is None
    for name in ("bm25", "vector", "fused", "reranked"):
        assert list(systems[name]) == ["nDCG@10", "R@100", "RR@10", "P@3", "p50_ms", "p95_ms"]
        assert 0 < systems[name]["p50_ms"] <= systems[name]["p95_ms"]
    assert shown["settings"]["chunk_tokens"] == 254


def test_the_table_shows_missing_systems_as_dashes(evaluated: Evaluated):
    """People see recall beside nDCG, and that a stage was not there."""
    console = Console(width=120, file=StringIO())
    console.print(evaluated.report.table())
    text = console.file.getvalue()
    assert "R@100" in text
    assert "late" in text
    assert "–" in text


@pytest.mark.parametrize("system", ["bm25", "vector", "fused", "reranked"])
def test_run_files_measure_as_reported(evaluated: Evaluated, system: str):
    """Whoever has the judgments can check the figures with any tool."""
    judgments = read_collection(JUDGED).judgments
    run = ir_measures.read_trec_run(str(evaluated.runs / f"judged.{system}.trec"))
    figures = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], judgments, run)
    expected = evaluated.report.means()[system]["nDCG@10"]
    assert figures[ir_measures.nDCG @ 10] == pytest.approx(expected)


async def test_a_second_run_embeds_nothing_and_measures_the_same(evaluated: Evaluated):
    """The stores of an unchanged folder are found again."""
    activities: set[str] = set()
    again = await evaluate(
        evaluated.settings,
        JUDGED,
        progress=lambda activity, _done, _total: activities.add(activity),
    )
    assert "Indexing" not in activities
    assert again.means() == evaluated.report.means()


async def test_the_users_own_stores_may_be_open_meanwhile(evaluated: Evaluated):
    """An evaluation takes no lock of the data directory that a server owns."""
    async with open_services(evaluated.settings) as services:
        report = await evaluate(evaluated.settings, JUDGED, queries=2, systems=(BM25,))
        assert report.queries == 2
        assert await services.ledger.collections.list() == []


async def test_the_split_and_the_number_of_queries_can_be_chosen(evaluated: Evaluated):
    """Another split asks its own queries of the same stores."""
    report = await evaluate(evaluated.settings, JUDGED, split="dev", systems=(BM25,))
    assert report.queries == 1
    assert report.settings["split"] == "dev"


async def test_systems_without_their_models_are_null(tmp_path: Path):
    """Without models only words are left, and nothing else is passed off as more."""
    settings = settings_in(tmp_path, bi_encoder="", cross_encoder="")
    report = await evaluate(settings, JUDGED, queries=3)
    missing = [name for name, figures in report.means().items() if figures is None]
    assert missing == ["vector", "fused", "late", "reranked"]
    assert report.settings["bi_encoder"] is None


async def test_late_interaction_is_measured_where_token_vectors_are_stored(tmp_path: Path):
    """It stands between fusion and the cross-encoder, and needs neither of its models."""
    settings = settings_in(tmp_path, bi_encoder="hashing", token_dimensions=16, cross_encoder="")
    means = (await evaluate(settings, JUDGED, queries=3)).means()
    assert means["late"] is not None
    assert means["reranked"] is None


async def test_other_chunks_make_other_stores(tmp_path: Path):
    """Figures are never taken from an index that was built otherwise."""
    small = settings_in(tmp_path, bi_encoder="hashing", chunk_tokens=16, chunk_overlap_tokens=4)
    large = settings_in(tmp_path, bi_encoder="hashing")
    first = await evaluate(small, JUDGED, queries=1, systems=(FUSED,))
    second = await evaluate(large, JUDGED, queries=1, systems=(FUSED,))
    assert first.chunks > second.chunks == 60


async def test_a_changed_corpus_is_indexed_apart(tmp_path: Path):
    """Stores follow the corpus's content, not the folder's name."""
    folder = tmp_path / "small"
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "boats"}\n')
    (folder / "qrels" / "test.tsv").write_text("q\td\t1\n")
    settings = settings_in(tmp_path / "data", bi_encoder="", cross_encoder="")
    counts = []
    for lines in (1, 2):
        corpus = "".join(f'{{"_id": "d{n or ""}", "text": "boats"}}\n' for n in range(lines))
        (folder / "corpus.jsonl").write_text(corpus)
        counts.append((await evaluate(settings, folder)).documents)
    assert counts == [1, 2]
