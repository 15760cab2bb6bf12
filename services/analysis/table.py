"""The one table of analyzers: how the text of each language becomes index terms.

Every engine compiles it. A text goes through, in this order:

1. ``characters``: single characters replaced by single characters (offsets hold).
2. Unicode normalisation (NFC), word by word.
3. Words: the longest runs that match ``WORD_PATTERN``, letters with their combining
   marks and digits. Runs of scripts written without spaces (``UNSPACED_SCRIPTS``) inside
   a word become overlapping bigrams; Latin words beside them stay words.
4. Lower case; words longer than ``MAX_WORD_BYTES`` go.
5. Stop words go.
6. The Snowball stemmer.
7. Folding: letters of the Latin script lose their diacritics (Lucene's ``asciifolding``).

For Lucene's engines the same table reads: a mapping character filter, a pattern
tokenizer with ``WORD_PATTERN`` (group 0), the filters length, lowercase, stop (with the
words of this table), stemmer and asciifolding; text of unspaced scripts is sent
segmented, its terms joined by spaces.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from services.analysis.stop_words import STOP_WORDS

PLAIN = "und"
"""The language code of text whose language is unknown; its analyzer knows no words."""

WORD_PATTERN = r"[\p{L}\p{M}\p{N}]+"
MAX_WORD_BYTES = 256

UNSPACED_SCRIPTS = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b"  # iteration marks, numerals
    "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U0001aff0-\U0001b16f\U00020000-\U000323af"  # Kana supplements, Han extensions
)
"""Ranges of a character class: scripts whose words no space divides."""

BM25_K1 = 1.2
BM25_B = 0.75


@dataclass(frozen=True, slots=True)
class Analyzer:
    """What one language adds to the common rules.

    Attributes:
        language: ISO 639-1 code, or ``PLAIN``.
        stemmer: Snowball's name of the language, "" for none.
        stop_words: lower case, accented as they are written.
        folding: whether diacritics of the Latin script are dropped after stemming.
        characters: single characters that are replaced before anything else.
    """

    language: str
    stemmer: str = ""
    stop_words: tuple[str, ...] = ()
    folding: bool = True
    characters: Mapping[str, str] = field(default_factory=dict)


_STEMMERS: Mapping[str, str] = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}

# Bigrams need no list of words: Chinese, Japanese, Korean, Thai.
_WITHOUT_STEMMER = ("hi", "id", "ja", "ko", "th", "vi", "zh", PLAIN)

# In Vietnamese the marks tell words apart (ma, má, mà, mã): folding would merge them.
_UNFOLDED = frozenset({"vi"})

_CHARACTERS: Mapping[str, Mapping[str, str]] = {
    "ro": {"ş": "ș", "ţ": "ț", "Ş": "Ș", "Ţ": "Ț"},  # cedilla for comma below, a common habit
    "ru": {"ё": "е", "Ё": "Е"},
    "tr": {"I": "ı", "İ": "i"},  # Unicode's default lower case is wrong for Turkish
}

ANALYZERS: Mapping[str, Analyzer] = {
    language: Analyzer(
        language,
        stemmer=_STEMMERS.get(language, ""),
        stop_words=STOP_WORDS.get(language, ()),
        folding=language not in _UNFOLDED,
        characters=_CHARACTERS.get(language, {}),
    )
    for language in sorted((*_STEMMERS, *_WITHOUT_STEMMER))
}
"""Every analyzer by its language's code."""


def analyzer_of(language: str) -> Analyzer:
    """The language's analyzer, the plain one for a language that the table lacks."""
    return ANALYZERS.get(language, ANALYZERS[PLAIN])


def _version() -> str:
    rules = {
        "analyzers": [asdict(analyzer) for analyzer in ANALYZERS.values()],
        "word_pattern": WORD_PATTERN,
        "max_word_bytes": MAX_WORD_BYTES,
        "unspaced_scripts": UNSPACED_SCRIPTS,
        "bm25": [BM25_K1, BM25_B],
        "algorithm": 1,  # raised when the code that reads the table changes what it yields
    }
    canonical = json.dumps(rules, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


ANALYZERS_VERSION = _version()
"""First 12 hexadecimal digits of the SHA-256 over the table and the common rules."""
