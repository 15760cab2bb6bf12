"""Language detection."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analysis.detect import detect_language
from services.analysis.table import ANALYZERS

SENTENCES = {
    "ar": "هذا نص قصير مكتوب باللغة العربية عن الطقس",
    "da": "Dette er en dansk sætning om vejret i København",
    "de": "Dies ist ein kurzer deutscher Satz über das Wetter",
    "el": "Καλημέρα κόσμε",
    "en": "This is a short English sentence about the weather",
    "es": "Esta es una frase corta en español sobre el tiempo",
    "fi": "Tämä on lyhyt suomenkielinen lause säästä",
    "fr": "Ceci est une courte phrase en français sur le temps",
    "hi": "यह हिन्दी में लिखा हुआ एक वाक्य है",
    "hu": "Ez egy rövid magyar mondat az időjárásról",
    "id": "Ini adalah kalimat pendek dalam bahasa Indonesia",
    "it": "Questa è una breve frase italiana sul tempo",
    "ja": "日本語で書かれた短い文です",
    "ko": "날씨에 관한 짧은 한국어 문장입니다",
    "nl": "Dit is een korte Nederlandse zin over het weer",
    "no": "Dette er en kort norsk setning om været",
    "pt": "Esta é uma frase curta em português sobre o tempo",
    "ro": "Aceasta este o propoziție scurtă în limba română",
    "ru": "Это короткое русское предложение о погоде",
    "sv": "Det här är en kort svensk mening om vädret",
    "ta": "இது ஒரு தமிழ் வாக்கியம்",
    "th": "นี่คือประโยคภาษาไทย",
    "tr": "Bu hava durumu hakkında kısa bir Türkçe cümledir",
    "vi": "Đây là một câu tiếng Việt ngắn về thời tiết",
    "zh": "这是一个关于天气的短句",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_enough(language: str) -> None:
    """Each language of the table is told by one sentence, in capitals as well."""
    assert detect_language(SENTENCES[language]) == language
    assert detect_language(SENTENCES[language].upper()) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "1234 567",
        "💥",
        "\ud800",
        "A",
        "README",
        "ABC-123-DEF",
        "e3b0c44298fc1c149afbf4c8996fb924",
        "https://example.com/index.html",
        "os.path.join(a, b)",
        "lorem ipsum dolor sit amet",
        "Українська мова належить до слов'янських мов",
        "سلام دنیا این یک متن فارسی است",
        "To jest krótkie zdanie po polsku",
    ],
)
def test_what_cannot_be_told_is_plain(text: str) -> None:
    """Too little text, code, numbers, and languages that the table lacks."""
    assert detect_language(text) == "und"


def test_an_abstract_in_another_language_does_not_decide() -> None:
    """A long text is what most of it is, whatever it opens or ends with."""
    english, portuguese = f"{SENTENCES['en']}. " * 30, f"{SENTENCES['pt']}. " * 120
    assert detect_language(english + portuguese) == "pt"
    assert detect_language(portuguese + english) == "pt"


def test_every_language_but_the_plain_one_has_a_sentence() -> None:
    """The examples above cover the table."""
    assert set(SENTENCES) == set(ANALYZERS) - {"und"}


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_gets_a_code_of_the_table(text: str) -> None:
    """Whatever the text, the answer is a code with an analyzer."""
    assert detect_language(text) in ANALYZERS


def test_searching_loads_no_model() -> None:
    """Importing the package leaves the detection model alone: searches do not need it."""
    code = "import sys, services.analysis.detect; sys.exit('py3langid' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
