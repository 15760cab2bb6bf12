"""Guards against false negatives: passages that answer a query though nobody judged them.

Judgments name few of the passages that answer. The best of what retrieval finds besides is
often one of the others, and training against it teaches the opposite of what is meant
(Qu et al. 2021, arXiv 2010.08191; the ceiling is that of de Souza Moreira et al. 2024,
arXiv 2407.15831).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.training.groups import Mined

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Guard:
    """What an unjudged passage must not be, to count as one that does not answer.

    Attributes:
        shared: the share of the shorter text's distinct words that it may have in common
            with a passage that answers.
        ceiling: its cosine to the query, as a share of the best answer's.
    """

    shared: float = 0.6
    ceiling: float = 1.05

    def negatives(self, positives: Sequence[Mined], others: Sequence[Mined]) -> list[Mined]:
        """Those of the others that may be trained against; judged ones always may."""
        documents = {positive.document for positive in positives}
        answers = [_words(positive.text) for positive in positives]
        highest = max(positive.cosine for positive in positives)
        return [
            other
            for other in others
            if other.grade is not None
            or (
                other.document not in documents
                and other.cosine <= self.ceiling * highest
                and not self._repeats(_words(other.text), answers)
            )
        ]

    def _repeats(self, words: set[str], answers: Sequence[set[str]]) -> bool:
        return any(
            len(words & answer) > self.shared * min(len(words), len(answer)) for answer in answers
        )


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
