"""The texts that the page is driven with: an almanac, some letters, and an attack."""

import json
from pathlib import Path

from services.collections import Collection, Schema
from services.documents import Document, Heading

ATTACK_TITLE = "<script>window.attacked = 1</script><img src=x onerror='window.attacked = 2'>"
ATTACK_TEXT = (
    "<b>hostile</b> \"><svg onload='window.attacked = 3'> </p></main> {{ 7 * 7 }} &amp; end."
)

_LETTERS = (
    Document(
        id="letters/attack one",
        title=ATTACK_TITLE,
        text=ATTACK_TEXT,
        url="javascript:window.attacked=4",
        metadata={"from": "<i>nobody</i>", "read": False},
        outline=(Heading(0, 1, "<u>heading</u>"),),
    ),
    Document(
        id="letters/2",
        title="",
        text="A letter about hostile weather, and \u202ereversed\u202c words, and 麦と風 🌾.",
        url="java\tscript:window.attacked=5",
        metadata={"from": "the miller", "read": True},
    ),
    Document(
        id="letters/3",
        title="رسالة عن القمح",
        text="hostile \udc80 surrogate. وصلت الرسالة مع الريح.",
        language="ar",
        url="https://example.org/letters/3?a=1&b=%22",
        metadata={"from": "the miller", "read": True},
    ),
)


def _almanac() -> list[Document]:
    lines = Path(__file__).with_name("almanac.jsonl").read_text(encoding="utf-8").splitlines()
    return [_entry(number, json.loads(line)) for number, line in enumerate(lines, start=1)]


def _entry(number: int, entry: dict[str, str | int]) -> Document:
    place, year = str(entry["place"]), int(entry["year"])
    return Document(
        id=f"almanac/{number}",
        title=str(entry["title"]),
        text=str(entry["text"]),
        url=f"https://example.org/almanac/{place}/{number}.html",
        language="en",
        metadata={
            "place": place,
            "season": str(entry["season"]),
            "year": year,
            "tested": year > 2020,
        },
        outline=(Heading(0, 1, "Almanac"), Heading(0, 2, place.capitalize())),
    )


def _collection(name: str, documents: list[Document]) -> tuple[Collection, list[Document]]:
    schema = Schema()
    for document in documents:
        schema, _ = schema.coerce(document.metadata)
    return Collection(name, schema), documents


def collections() -> dict[str, tuple[Collection, list[Document]]]:
    """Both collections with their documents, the one shown first among them."""
    return {
        "default": _collection("default", _almanac()),
        "letters": _collection("letters", list(_LETTERS)),
    }
