"""Which examples are drawn: by weight, by seed, and never what is held out."""

from evaluation.training.groups import Group, Mined
from evaluation.training.sampling import Sampling, draw, split


def _group(number: int, source: str = "s", weight: float = 1.0, answer: float = 0.0) -> Group:
    passages = [Mined("yes", "answer", 1, answer, 0.5, 3)]
    passages += [Mined(f"no{i}", f"other {i}", None, 1.0 - i / 10, 0.4, i + 1) for i in range(9)]
    return Group(f"query {number}", source, weight, tuple(passages))


GROUPS = [_group(number) for number in range(200)]


def test_held_out_queries_are_not_trained_on() -> None:
    """About the share that was asked for, the same ones every time."""
    training, held_out = split(GROUPS, Sampling(dev_share=0.2))
    assert not {group.query for group in training} & {group.query for group in held_out}
    assert len(training) + len(held_out) == 200
    assert 20 < len(held_out) < 60
    assert split(GROUPS[::-1], Sampling(dev_share=0.2))[1] == held_out


def test_case_does_not_let_a_held_out_query_through() -> None:
    """The same question twice is one question."""
    twins = [_group(1), Group("QUERY 1", "t", 1.0, _group(1).passages)]
    training, held_out = split(twins, Sampling(dev_share=0.999))
    assert (len(training), len(held_out)) == (0, 2)


def test_whole_sources_are_held_out() -> None:
    """And of the others the share; none of their queries is trained on."""
    groups = [*GROUPS, *(_group(1_000 + i, "other") for i in range(30))]
    sampling = Sampling(dev_share=0.1, dev_sources=frozenset({"other"}))
    training, held_out = split(groups, sampling)
    assert {group.source for group in training} == {"s"}
    assert sum(group.source == "other" for group in held_out) == 30
    assert 30 < len(held_out) < 70


def test_a_seed_repeats_a_draw() -> None:
    """And another seed draws otherwise."""
    drawn = draw(GROUPS, 50, Sampling(), seed=3)
    assert drawn == draw(GROUPS, 50, Sampling(), seed=3)
    assert drawn != draw(GROUPS, 50, Sampling(), seed=4)


def test_an_example_has_one_answer_and_the_hardest_negatives() -> None:
    """The first half of the negatives is the top of the order."""
    example = draw(GROUPS, 1, Sampling(negatives=6), seed=1)[0]
    assert example.grades == [1, 0, 0, 0, 0, 0, 0]
    assert [passage.document for passage in example.passages[1:4]] == ["no0", "no1", "no2"]


def test_several_answers_stand_among_negatives_of_the_whole_order() -> None:
    """So that the answers far down do not all stand below what is hardest."""
    passages = [Mined(f"yes{i}", f"answer {i}", 1 + i % 3, 0.0, 0.5, 30 + i) for i in range(6)]
    passages += [Mined(f"no{i}", f"other {i}", None, 1.0, 0.4, i + 1) for i in range(40)]
    group = Group("query", "s", 1.0, tuple(passages))
    drawn = draw([group], 30, Sampling(answers=4, negatives=6), seed=1)
    assert all(sum(grade > 0 for grade in example.grades) == 4 for example in drawn)
    assert all(len(example.passages) == 10 for example in drawn)
    assert {grade for example in drawn for grade in example.grades} == {0, 1, 2, 3}
    ranks = [passage.rank for example in drawn for passage in example.passages[4:]]
    assert 15 < sum(ranks) / len(ranks) < 26


def test_sources_are_drawn_by_weight() -> None:
    """Three times the weight, about three times the examples."""
    groups = [*GROUPS, *(_group(1_000 + i, "heavy", 3.0) for i in range(200))]
    drawn = draw(groups, 2_000, Sampling(), seed=1)
    heavy = sum(group.source == "heavy" for group in drawn)
    assert 1_350 < heavy < 1_650


def test_most_easy_groups_are_left_out() -> None:
    """What the prior orders rightly by far teaches little."""
    easy = [_group(number, "easy", answer=5.0) for number in range(400)]
    drawn = draw([*GROUPS, *easy], 1_000, Sampling(easy_share=0.25), seed=1)
    assert 0.2 < sum(group.source == "easy" for group in drawn) / 1_000 < 0.5


def test_nothing_to_draw_from_draws_nothing() -> None:
    """Rather than fail in the middle of a run."""
    assert draw([], 5, Sampling(), seed=1) == []
