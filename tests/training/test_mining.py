"""Negatives come from the collection's own retrieval, and answers never are among them."""

from pathlib import Path

import pytest

from evaluation.training.groups import Group, read_groups, write_groups
from evaluation.training.guards import Guard
from evaluation.training.mining import mine
from evaluation.training.recipe import SourceChoice
from evaluation.training.sources import read_sources
from services.assembly import open_services
from services.errors import InvalidInput, ModelUnavailable
from services.settings import Settings
from tests.training.pairs import write_pairs


def _quiet(_activity: str, _done: int, _total: int) -> None:
    pass


async def _mined(tmp_path: Path, **settings: object) -> list[Group]:
    write_pairs(tmp_path)
    judged = read_sources([SourceChoice(path="pairs.jsonl")], tmp_path)[0]
    given: dict[str, object] = {
        "data_dir": tmp_path / "data",
        "bi_encoder": "hashing",
        "cross_encoder": "",
        "token_dimensions": 16,
    }
    async with open_services(Settings(**given | settings)) as services:  # type: ignore[arg-type]
        return await mine(services, judged, Guard(), 50, _quiet)


async def test_each_query_gets_its_answer_and_others(tmp_path: Path) -> None:
    """The answer first, judged negatives kept, ranks as retrieval gave them."""
    groups = await _mined(tmp_path)
    assert len(groups) > 40
    for group in groups:
        assert group.grades[0] == 1
        assert sum(group.grades) == 1
        assert len(group.passages) > 5
        ranks = [passage.rank for passage in group.passages[1:]]
        assert ranks == sorted(ranks)
    judged = sum(passage.grade == 0 for group in groups for passage in group.passages)
    assert judged > 30


async def test_groups_survive_their_file(tmp_path: Path) -> None:
    """A run that was stopped reads what it mined; a damaged file is named."""
    groups = await _mined(tmp_path)
    file = tmp_path / "mined.jsonl"
    assert write_groups(file, groups) == len(groups)
    assert list(read_groups(file)) == groups
    file.write_text('{"query": 1}\n')
    with pytest.raises(InvalidInput, match="line 1 is no training group"):
        list(read_groups(file))


async def test_mining_without_vectors_says_what_is_missing(tmp_path: Path) -> None:
    """Words alone would find easy negatives only."""
    with pytest.raises(ModelUnavailable, match="Mining needs the bi-encoder"):
        await _mined(tmp_path, bi_encoder="")
