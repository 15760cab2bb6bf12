"""A recipe: everything that makes a training run what it is, in one TOML file."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.errors import InvalidInput


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceChoice(_Part):
    """One set of judgments.

    Attributes:
        path: a folder in BEIR's layout, a file of pairs, or a click log.
        corpus: sources of the same name are searched together when negatives are mined;
            "" mines within the source alone.
        split: of a BEIR folder; documents: the corpus.jsonl that a click log speaks of.
        limit: take so many queries (of a file of pairs: lines, of kind "question" or "claim"
            before others), by the hash of their text; 0 takes all.
        language: take only lines that say this in ``lang``; "" takes all.
        held_out: hold out all of its queries, so that the choice of a model is also one for
            data that it did not learn from; its passages remain in the corpus.
        licence, origin: what the model's card says of it.
    """

    path: str
    corpus: str = ""
    split: str = "train"
    documents: str = ""
    weight: Annotated[float, Field(gt=0)] = 1.0
    limit: Annotated[int, Field(ge=0)] = 0
    language: str = ""
    held_out: bool = False
    licence: str = ""
    origin: str = ""


class Mining(_Part):
    """How passages that do not answer are found and guarded; see guards.py and mining.py."""

    shared: Annotated[float, Field(gt=0, le=1)] = 0.6
    ceiling: Annotated[float, Field(gt=0)] = 1.05
    deepest_answer: Annotated[int, Field(ge=1)] = 50


class Training(_Part):
    """How the model learns; see sampling.py, losses.py and fine_tuning.py.

    Attributes:
        steps: 0 takes ``epochs`` over the training queries.
        answers, negatives: of an example, at most.
        crossing_layers, frozen_layers: see rerankers.py.
        max_tokens: longest input while training; served_tokens: of the finished model.
        teacher: a cross-encoder whose scores are learned beside the judgments; "prior"
            names the order that was there before. "" none.
        shares: of what was learned that are measured beside all of it; the best is kept.
        prior_scale: the finished model orders by so many times the prior plus its logit;
            "dev" chooses on the held-out queries, "none" leaves the logits alone.
    """

    steps: Annotated[int, Field(ge=0)] = 0
    epochs: Annotated[float, Field(gt=0)] = 2.0
    groups_per_step: Annotated[int, Field(ge=1)] = 4
    answers: Annotated[int, Field(ge=1)] = 5
    negatives: Annotated[int, Field(ge=1)] = 7
    learning_rate: Annotated[float, Field(gt=0)] = 5e-5
    evaluations: Annotated[int, Field(ge=1)] = 4
    seed: int = 1
    shares: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()
    dev_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    dev_limit: Annotated[int, Field(ge=1)] = 200
    easy_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    crossing_layers: Annotated[int, Field(ge=1)] = 3
    frozen_layers: Annotated[int, Field(ge=0)] = 3
    max_tokens: Annotated[int, Field(ge=16)] = 192
    served_tokens: Annotated[int, Field(ge=16)] = 384
    objective_prior_scale: Annotated[float, Field(ge=0)] = 0.5
    objective_alone: Annotated[float, Field(ge=0)] = 1.0
    teacher: str = ""
    teaching: Annotated[float, Field(ge=0)] = 0.5
    prior_scale: float | Literal["dev", "none"] = "dev"


class Recipe(_Part):
    """A training run: what from, how, and what comes out.

    Attributes:
        languages: that the finished model knows; none stands for all.
        quantised: store matrices in int8.
        asked_only: leave late interaction the default order; for a model that does not beat it.
    """

    name: str = "reranker"
    description: str = ""
    licence: str = ""
    languages: tuple[str, ...] = ()
    base: str = "sentence-transformers/all-MiniLM-L6-v2"
    quantised: bool = False
    asked_only: bool = False
    source: tuple[SourceChoice, ...] = ()
    mining: Mining = Mining()
    training: Training = Training()


def read_recipe_file(path: Path) -> Recipe:
    """Read a recipe; InvalidInput names each entry that is wrong."""
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise InvalidInput(f"The recipe {path} cannot be read ({error.strerror}).") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"The recipe {path} is not TOML: {error}.") from None
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        )
        raise InvalidInput(f"The recipe {path}: {'; '.join(faults)}.") from None
