"""Which language a document is written in, or that it cannot be told."""

import re
from collections import Counter
from functools import lru_cache
from threading import Lock
from typing import Protocol

from services.analysis.table import ANALYZERS, PLAIN

# A longer text is judged by pieces from all over it: papers open with an abstract in another
# language, mail and forum posts end with a quotation.
_PIECES = 5
_PIECE_CHARACTERS = 200
_LEAST_CONFIDENCE = 0.5

_SCRIPTS = {
    "han": "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af",
    "kana": "\u3041-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "hangul": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff",
    "thai": "\u0e00-\u0e7f",
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "tamil": "\u0b80-\u0bff",
}
_SCRIPT = re.compile("|".join(f"(?P<{name}>[{span}])" for name, span in _SCRIPTS.items()))
_LETTER = re.compile(r"[^\W\d_]")
_LANGUAGE_OF_SCRIPT = {
    "han": "zh",
    "kana": "ja",
    "hangul": "ko",
    "thai": "th",
    "greek": "el",
    "tamil": "ta",
}
_SCRIPT_SHARE = 0.3
"""Han, Kana or Thai say in one letter what Latin says in two or three."""
_KANA_SHARE = 0.05
"""Japanese has Kana in every sentence, Chinese none."""

# Links, code and identifiers say nothing about the language around them.
_NOISE = re.compile(r"(?i)\b(?:https?://|www\.)\S+|\S*[\d_=<>{}\\/|@#]\S*|\b\w+[.:(]+\w\S*")

# Languages that the table lacks, told apart so that their texts are not taken for a
# neighbour's; "zxx" is the model's class for what is no language.
_NEIGHBOURS = (
    "af be bg bn bs ca cs cy et eu fa ga gl gu he hr hy is ka kn la lt lv mk ml mr ms ne pa pl si "
    "sk sl sq sr sw te tl uk ur zxx"
)
_NEAR_ENOUGH = {"ms": "id"}
"""Malay is read by Indonesian's analyzer: the same stop words, no stemmer in either."""

_loading = Lock()


class _Identifier(Protocol):
    def classify(self, text: str) -> tuple[str, float]:
        """The likeliest language with its probability."""


def detect_language(text: str) -> str:
    """The code of the analyzer table for a text's language.

    The script settles it where it can. Else a naive Bayes model over character n-grams
    does (Lui and Baldwin, langid.py, ACL 2012), told apart from neighbouring languages
    that the table lacks. Of a long text a few pieces are read, evenly spread.

    Returns:
        an ISO 639-1 code, or ``PLAIN`` for a text that is too short, no prose, or in a
        language that the table lacks.
    """
    sample = _sample(text)
    by_script = _by_script(sample)
    if by_script:
        return by_script
    prose = " ".join(_NOISE.sub(" ", sample).split())
    if not _LETTER.search(prose):
        return PLAIN
    with _loading:
        identifier = _identifier()
    language, confidence = identifier.classify(prose)
    if confidence < _LEAST_CONFIDENCE:
        return PLAIN
    language = _NEAR_ENOUGH.get(language, language)
    return language if language in ANALYZERS else PLAIN


def _sample(text: str) -> str:
    if len(text) <= _PIECES * _PIECE_CHARACTERS:
        return text
    starts = (len(text) * piece // _PIECES for piece in range(_PIECES))
    return "\n".join(text[start : start + _PIECE_CHARACTERS] for start in starts)


def _by_script(sample: str) -> str:
    found = Counter(match.lastgroup for match in _SCRIPT.finditer(sample))
    if not found:
        return ""
    letters = len(_LETTER.findall(sample))
    asian = found["han"] + found["kana"]
    if asian >= _SCRIPT_SHARE * letters and asian >= found["hangul"]:
        return "ja" if found["kana"] > _KANA_SHARE * asian else "zh"
    script, count = found.most_common(1)[0]
    return _LANGUAGE_OF_SCRIPT[str(script)] if count >= _SCRIPT_SHARE * letters else ""


@lru_cache(maxsize=1)
def _identifier() -> _Identifier:
    # Loading takes a fifth of a second and only ingestion needs it.
    from py3langid.langid import (  # type: ignore[import-untyped]  # the package has no marker
        MODEL_FILE,
        LanguageIdentifier,
    )

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([*(set(ANALYZERS) - {PLAIN}), *_NEIGHBOURS.split()])
    found: _Identifier = identifier
    return found
