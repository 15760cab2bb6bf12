"""Reranking texts over HTTP, as Cohere's and Jina's clients ask for it."""

from pathlib import Path

import pytest

from tests.web.test_application import application

TEXTS = [
    "Bread dough rises before it is baked.",
    {"text": "To change your password open Settings, then Security."},
    "Your password was changed on Monday.",
]
QUESTION = {"query": "how do I change my password in settings", "documents": TEXTS}
TINY = Path(__file__).parent.parent / "fixtures" / "tiny-cross-encoder"


async def test_texts_come_back_best_first_with_their_places(tmp_path: Path) -> None:
    """Every text once, relevance from 0 to 1 and falling, the model that scored named."""
    async with application(tmp_path, cross_encoder=str(TINY)) as client:
        answer = (await client.post("/v1/rerank", json=QUESTION)).json()
    scores = [each["relevance_score"] for each in answer["results"]]
    assert sorted(each["index"] for each in answer["results"]) == [0, 1, 2]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert "tiny-cross-encoder" in answer["model"]


async def test_the_text_that_answers_comes_first(tmp_path: Path) -> None:
    """With and without a cross-encoder; ``top_n`` cuts, version 2 leaves texts out."""
    for cross_encoder in ("overlap", ""):
        async with application(
            tmp_path / (cross_encoder or "none"), cross_encoder=cross_encoder
        ) as client:
            asked = QUESTION | {"top_n": 1, "model": "rerank-v3.5"}
            first = (await client.post("/v1/rerank", json=asked)).json()
            second = (await client.post("/v2/rerank", json=asked)).json()
        assert [each["index"] for each in first["results"]] == [1]
        assert first["results"][0]["document"]["text"].startswith("To change")
        assert "document" not in second["results"][0]
        assert second["meta"]["api_version"]["version"] == "2"


async def test_no_model_is_a_503_that_says_so(tmp_path: Path) -> None:
    """Without either model there is nothing to rerank with."""
    async with application(tmp_path, bi_encoder="", cross_encoder="") as client:
        answer = await client.post("/v2/rerank", json=QUESTION)
    assert answer.status_code == 503
    assert "switched off" in answer.json()["detail"]


@pytest.mark.parametrize(
    "fault",
    [{"query": ""}, {"documents": []}, {"documents": ["x"] * 1_001}, {"top_n": 0},
     {"documents": [{"title": "x"}]}],
)  # fmt: skip
async def test_bad_requests_are_refused(tmp_path: Path, fault: dict[str, object]) -> None:
    """Nothing to ask, nothing to order, too much, or not a text: 4xx."""
    async with application(tmp_path) as client:
        answer = await client.post("/v1/rerank", json=QUESTION | fault)
    assert answer.status_code in (400, 422)


async def test_a_search_key_may_rerank(tmp_path: Path) -> None:
    """Reranking is reading: the search key suffices, and no key is refused."""
    async with application(tmp_path, search_key="s" * 20, admin_key="a" * 20) as client:
        refused = await client.post("/v2/rerank", json=QUESTION)
        allowed = await client.post(
            "/v2/rerank", json=QUESTION, headers={"Authorization": "Bearer " + "s" * 20}
        )
    assert refused.status_code == 401
    assert allowed.status_code == 200
