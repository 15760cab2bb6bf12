"""Analyzed terms with their places in the text: what an index holds, computed in process.

Indexes, queries and highlights all come through here, so that they agree on every stack.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from services.analysis.segmenter import is_unspaced, pieces
from services.analysis.table import ANALYZERS, MAX_WORD_BYTES, WORD_PATTERN, Analyzer, analyzer_of

_CACHED_WORDS = 65_536
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Term:
    """One analyzed word.

    Attributes:
        text: as the index holds it: lower case, stemmed, folded; a bigram where the
            script has no spaces.
        start: first code point of the word in the given text.
        end: code point after its last.
        position: place in the order of words, stop words counted, so that phrases match.
    """

    text: str
    start: int
    end: int
    position: int


def terms(language: str, text: str) -> list[Term]:
    """The terms of an indexed text, stop words left out, in reading order.

    Args:
        language: a code of the analyzer table; any other means the plain analyzer.
        text: any string; lone surrogates count as punctuation.
    """
    return _analyze(language, text, singles=True)


def query_terms(language: str, text: str) -> list[Term]:
    """The terms to look for: as :func:`terms`, but unspaced runs as bigrams only.

    Single characters of Chinese and its like are indexed so that a query of one character
    finds something; in longer queries they would only add noise.
    """
    return _analyze(language, text, singles=False)


def term_weights(language: str, text: str, limit: int) -> dict[str, float]:
    """What a query asks for: its first ``limit`` distinct terms, each with its weight.

    A term that stands n times in the query weighs √n. Repeating a word is partly emphasis and
    partly grammar ("the effect of x on the effect of y"). Counting it n times, as Lucene does,
    is best for verbose queries and counting it once for short ones (nDCG@10 by BM25: n .490,
    √n .487, once .418 on lisa; n .686, √n .704, once .711 on medline); on the mean of eleven
    English collections the root is best, by a little.
    """
    counts: dict[str, int] = {}
    for term in query_terms(language, text):
        if term.text in counts or len(counts) < limit:
            counts[term.text] = counts.get(term.text, 0) + 1
    return {term: math.sqrt(count) for term, count in counts.items()}


def engine_text(language: str, text: str) -> str | None:
    """The text as an engine's own analyzer (:func:`build_analyzer`) may read it.

    None where only :func:`terms` reads it right: scripts without spaces, or letters whose
    marks are not composed.
    """
    if is_unspaced(text) or not unicodedata.is_normalized("NFC", text):
        return None
    return _prepare(analyzer_of(language), text)


def build_analyzer(analyzer: Analyzer) -> TextAnalyzer:
    """The table's entry as Tantivy runs it, for text from :func:`engine_text`."""
    return _filtered(analyzer, Tokenizer.regex(WORD_PATTERN))


def _analyze(language: str, text: str, *, singles: bool) -> list[Term]:
    analyzer = analyzer_of(language)
    words = _words(_prepare(analyzer, text))
    placed = _cut(words, singles=singles) if is_unspaced(text) else _whole(words)
    return [
        Term(term, start, start + len(word), position)
        for word, start, position in placed
        if (term := _term(analyzer.language, word))
    ]


def _whole(words: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int, int]]:
    for position, (word, start) in enumerate(words):
        yield word, start, position


def _cut(words: Iterable[tuple[str, int]], *, singles: bool) -> Iterator[tuple[str, int, int]]:
    position = 0
    for word, start in words:
        found, width = pieces(word, singles=singles)
        for first, last, place in found:
            yield word[first:last], start + first, position + place
        position += width


def _words(text: str) -> Iterator[tuple[str, int]]:
    for token in _tokenizer().pre_tokenize(text).tokens:
        start = token.char_offset_from
        yield text[start : token.char_offset_to], start


def _prepare(analyzer: Analyzer, text: str) -> str:
    """One character for one: offsets into the result are offsets into the text."""
    if analyzer.characters:
        text = text.translate(_translation(analyzer.language))
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


@lru_cache(maxsize=_CACHED_WORDS)
def _term(language: str, word: str) -> str:
    """The term of a word, "" for a stop word or one that is too long."""
    analyzed = _word_analyzer(language).analyze(unicodedata.normalize("NFC", word))
    return analyzed[0] if analyzed else ""


@lru_cache(maxsize=1)
def _tokenizer() -> TextAnalyzer:
    return TextAnalyzerBuilder(Tokenizer.regex(WORD_PATTERN)).build()


@lru_cache(maxsize=len(ANALYZERS))
def _word_analyzer(language: str) -> TextAnalyzer:
    return _filtered(ANALYZERS[language], Tokenizer.raw())


@lru_cache(maxsize=len(ANALYZERS))
def _translation(language: str) -> dict[int, str]:
    return str.maketrans(dict(ANALYZERS[language].characters))


def _filtered(analyzer: Analyzer, tokenizer: Tokenizer) -> TextAnalyzer:
    builder = TextAnalyzerBuilder(tokenizer).filter(Filter.remove_long(MAX_WORD_BYTES + 1))
    builder = builder.filter(Filter.lowercase())
    if analyzer.stop_words:
        builder = builder.filter(Filter.custom_stopword(list(analyzer.stop_words)))
    if analyzer.stemmer:
        builder = builder.filter(Filter.stemmer(analyzer.stemmer))
    if analyzer.folding:
        builder = builder.filter(Filter.ascii_fold())
    return builder.build()
