"""The table of analyzers and its stop words."""

import subprocess
import sys
import unicodedata

import pytest

from services.analysis.table import ANALYZERS, ANALYZERS_VERSION, PLAIN, analyzer_of
from services.analysis.terms import build_analyzer, terms


def test_every_language_of_the_contract_has_an_analyzer() -> None:
    """The table holds what the documentation promises, and one for the rest."""
    promised = "ar da de el en es fi fr hi hu id it ja ko nl no pt ro ru sv ta th tr vi zh und"
    assert set(ANALYZERS) == set(promised.split())
    assert analyzer_of("xx") is ANALYZERS[PLAIN]
    assert analyzer_of("de").language == "de"


@pytest.mark.parametrize("language", ANALYZERS)
def test_stop_words_are_lower_case_composed_and_left_out(language: str) -> None:
    """Each stop word is written as it is compared, and no term comes of it."""
    analyzer = ANALYZERS[language]
    assert list(analyzer.stop_words) == sorted(set(analyzer.stop_words))
    for word in analyzer.stop_words:
        assert word == unicodedata.normalize("NFC", word).lower()
        assert terms(language, word) == []
        # Python's capitals are wrong for Turkish, and lose the final sigma of Greek.
        assert language in ("el", "tr") or terms(language, word.upper()) == []


@pytest.mark.parametrize("language", ANALYZERS)
def test_every_entry_compiles_for_the_engine(language: str) -> None:
    """Tantivy knows the stemmer, and characters are replaced one for one."""
    analyzer = ANALYZERS[language]
    assert build_analyzer(analyzer).analyze("word 2026")
    assert all(len(old) == len(new) == 1 for old, new in analyzer.characters.items())


def test_the_version_is_the_same_in_every_process() -> None:
    """It goes in a generation's fingerprint: nothing random may enter it."""
    code = "from services.analysis.table import ANALYZERS_VERSION; print(ANALYZERS_VERSION)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert other.stdout.strip() == ANALYZERS_VERSION
    assert len(ANALYZERS_VERSION) == 12
