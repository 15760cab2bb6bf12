"""What each format gives."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from indexer.draft import Draft
from indexer.sources import read_sources
from tests.loaders import samples


def read(folder: Path, name: str, content: bytes | str) -> list[Draft]:
    """The documents of one file; none of it may be refused."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    items = list(read_sources([str(folder)]))
    assert all(isinstance(item, Draft) for item in items), items
    return [item for item in items if isinstance(item, Draft)]


def headings(draft: Draft) -> list[tuple[int, str]]:
    """The outline, once each heading is seen to stand where it says."""
    for heading in draft.outline:
        assert draft.text.startswith(heading.text, heading.start)
    return [(heading.level, heading.text) for heading in draft.outline]


def test_markdown(tmp_path: Path) -> None:
    """Front matter becomes fields, marks go, code and headings stay."""
    source = (
        "---\ntitle: Guide\nlang: en\nurl: https://a.example/\ntags: [x, y]\ndate: 2024-05-01\n"
        "draft: false\nby: {name: Ada}\n---\n# Top *it*\n\nSome `code` and\n[a link](http://b).\n\n"
        "- one\n- two\n  - three\n\n```python\nif x:\n    y()\n```\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n"
        "\n## Part\n\n> quoted\n\n<script>alert(1)</script>\n"
    )
    (draft,) = read(tmp_path, "guide.md", source)
    assert (draft.id, draft.title, draft.language) == ("guide.md", "Guide", "en")
    assert draft.url == "https://a.example/"
    assert draft.metadata == {
        "tags": ["x", "y"],
        "date": date(2024, 5, 1),
        "draft": False,
        "by.name": "Ada",
    }
    assert headings(draft) == [(1, "Top it"), (2, "Part")]
    assert draft.text == (
        "Top it\n\nSome code and a link.\n\n- one\n- two\n  - three\n\n"
        "if x:\n    y()\n\na | b\n1 | 2\n\nPart\n\nquoted"
    )


@pytest.mark.parametrize(
    "head",
    [
        "---\na: &x [1]\nb: [*x, *x]\n---\n",
        "---\n- a\n- b\n---\n",
        "---\na: [\n---\n",
        "---\nword\n",
    ],
)
def test_what_is_no_front_matter_stays_text(tmp_path: Path, head: str) -> None:
    """Aliases, lists, broken YAML and an open block lose nothing of the text."""
    (draft,) = read(tmp_path, "a.md", head + "\nThe body.\n")
    assert "The body." in draft.text
    assert draft.metadata == {}


@pytest.mark.parametrize("mark", ["> ", "- ", "[", "*a ", "<b>", "#", "|-"])
def test_markdown_nested_beyond_reason_loses_no_text(tmp_path: Path, mark: str) -> None:
    """The parser's limits never leave a part of the text out."""
    (draft,) = read(tmp_path, "a.md", mark * 3_000 + "inner\n\nlast words\n")
    assert "inner" in draft.text
    assert "last words" in draft.text


def test_toml_front_matter(tmp_path: Path) -> None:
    """Between +++ it is TOML."""
    (draft,) = read(tmp_path, "a.md", '+++\ntitle = "T"\nweight = 3\n+++\nBody')
    assert (draft.title, draft.text, draft.metadata) == ("T", "Body", {"weight": 3})


def test_html_gives_the_main_content(tmp_path: Path) -> None:
    """Navigation and footer go; title, description, author, date and language are kept."""
    paragraph = "The tide rises twice a day, and the harbour fills with boats from the islands. "
    (draft,) = read(
        tmp_path,
        "page.html",
        '<!doctype html><html lang="en-GB"><head><title>Tides</title>'
        '<meta name="description" content="About tides"><meta name="author" content="Ada Byron">'
        '<meta property="article:published_time" content="2024-05-01"></head><body>'
        '<nav><a href="/">Home</a> <a href="/all">All pages</a></nav><main><h1>Tides</h1>'
        f"<p>{paragraph * 3}</p><h2>Neap &amp; spring</h2><p>{paragraph * 2}</p>"
        "<ul><li>high</li><li>low</li></ul><pre><code>a = 1\n  b = 2</code></pre></main>"
        "<footer>Copyright, cookies</footer><script>var x</script></body></html>",
    )
    assert (draft.title, draft.language) == ("Tides", "en")
    assert headings(draft) == [(1, "Tides"), (2, "Neap & spring")]
    assert "All pages" not in draft.text
    assert "cookies" not in draft.text
    assert "var x" not in draft.text
    assert "- high\n- low" in draft.text
    assert "a = 1\n  b = 2" in draft.text
    assert draft.metadata["description"] == "About tides"
    assert draft.metadata["author"] == ["Ada Byron"]
    assert draft.metadata["date"] == date(2024, 5, 1)


def test_a_page_of_a_few_words_is_kept_whole(tmp_path: Path) -> None:
    """Where no main content stands out, all text is taken, in the declared encoding."""
    page = '<html><head><meta charset="iso-8859-1"><title>Ü</title></head><p>Tschüß</p></html>'
    (draft,) = read(tmp_path, "a.htm", page.encode("latin-1"))
    assert (draft.title, draft.text) == ("Ü", "Tschüß")


def test_pdf(tmp_path: Path) -> None:
    """Text page by page, title, author, date and the number of pages."""
    (draft,) = read(tmp_path, "a.pdf", samples.pdf("First page", "", "Third page", title="Report"))
    assert draft.title == "Report"
    assert draft.text == "First page\n\nThird page"
    assert draft.metadata == {"pages": 3, "author": ["Ada"], "date": date(2024, 5, 1)}


def test_docx(tmp_path: Path) -> None:
    """Headings, lists and tables in their order, and the properties."""
    (draft,) = read(tmp_path, "a.docx", samples.word())
    assert (draft.title, draft.language) == ("The Manual", "en")
    assert headings(draft) == [(1, "Manual"), (2, "Care")]
    assert draft.text.startswith("Manual\n\nTurn it on.\n\nCare\n\n- Dry\n- Dust\n\npart price")
    assert draft.text.endswith("\nlamp | 3")
    assert draft.metadata == {
        "author": ["Ada", "Bo"],
        "keywords": ["a", "b"],
        "date": date(2024, 5, 1),
    }


def test_pptx(tmp_path: Path) -> None:
    """A heading a slide, text of tables and groups, notes."""
    (draft,) = read(tmp_path, "talk.pptx", samples.slides())
    assert draft.title == "Welcome"
    assert headings(draft) == [(1, "Welcome"), (1, "Slide 2")]
    assert "First point\nSecond point" in draft.text
    assert "Notes: Say hello" in draft.text
    assert "left | right" in draft.text
    assert "in a group" in draft.text
    assert draft.metadata["slides"] == 2


def test_epub(tmp_path: Path) -> None:
    """Chapters in reading order, which is not that of the files."""
    (draft,) = read(tmp_path, "sea.epub", samples.book())
    assert (draft.title, draft.language) == ("The Sea", "en")
    assert headings(draft) == [(1, "One"), (1, "Two")]
    assert draft.text == "One\n\nWaves.\n\nTwo\n\nSalt & wind."
    assert draft.metadata == {"author": ["Ada"], "date": date(2020, 2, 3)}


def test_csv_columns_by_name_and_type(tmp_path: Path) -> None:
    """Known columns are fields; others are typed by all of their cells, empty ones left out."""
    rows = (
        "ID,Title,Body,stock,price,sold,on,code,mixed\n"
        'a1,Lamp,"Bright, and\nwarm",3,1.5,true,2024-05-01,007,1\n'
        ",Chair,Oak,,2,FALSE,2024-06-01,8,x\n"
    )
    first, second = read(tmp_path, "goods.csv", rows)
    assert (first.id, first.title, first.text) == ("a1", "Lamp", "Bright, and\nwarm")
    assert first.metadata == {
        "stock": 3,
        "price": 1.5,
        "sold": True,
        "on": datetime(2024, 5, 1),  # noqa: DTZ001 - a cell without a zone
        "code": "007",
        "mixed": "1",
    }
    assert second.id == "goods.csv#2"
    assert "stock" not in second.metadata
    assert second.metadata["price"] == 2.0


@pytest.mark.parametrize(("name", "mark"), [("a.tsv", "\t"), ("a.csv", ";"), ("a.csv", "|")])
def test_delimiters(tmp_path: Path, name: str, mark: str) -> None:
    """Tabs, semicolons and bars are told; without a text column every cell is text."""
    (draft,) = read(tmp_path, name, f"colour{mark}size\nred{mark}4\n")
    assert draft.text == "colour: red\nsize: 4"
    assert draft.metadata == {"colour": "red", "size": 4}


def test_json_lines_of_beir(tmp_path: Path) -> None:
    """A corpus.jsonl is read as it is, a title alone or a number as id included."""
    lines = (
        '\ufeff{"_id": "d/1", "title": "T", "text": "Body", "metadata": {"year": 2020}}\n\n'
        '{"_id": 2, "title": "Only a title", "text": ""}\n{"text": "no id"}\n'
    )
    drafts = read(tmp_path, "corpus.jsonl", lines)
    assert [draft.id for draft in drafts] == ["d/1", "2", "corpus.jsonl#4"]
    assert drafts[0].metadata == {"year": 2020}


def test_json(tmp_path: Path) -> None:
    """An object is a document, with other fields as flat metadata."""
    (draft,) = read(
        tmp_path,
        "a.json",
        '{"headline": "H", "content": "C", "n": {"m": [1, 2], "o": null}, "authors": '
        '[{"name": "Ada"}, {"name": "Bo"}], "long": "' + "word " * 2_000 + '"}',
    )
    assert (draft.id, draft.title) == ("a.json", "H")
    assert draft.text.startswith("C\n\nword word")
    assert draft.metadata == {"n.m": [1, 2], "authors.name": ["Ada", "Bo"]}


def test_a_long_json_array_is_streamed(tmp_path: Path) -> None:
    """Items that cross the reader's pieces come whole, numbers at their ends too."""
    items = ",\n".join(
        json.dumps({"id": str(n), "text": "é\n" * (n % 700), "n": n}, ensure_ascii=False)
        for n in range(900)
    )
    drafts = read(tmp_path, "a.json", f"[{items}]")
    assert [draft.metadata["n"] for draft in drafts] == list(range(900))
    assert all(draft.text == "é\n" * (int(draft.id) % 700) for draft in drafts)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Grüße, 世界", "utf-8-sig"),
        ("Grüße, 世界", "utf-16"),
        ("Grüße, 世界", "utf-32"),
        ("Crème brûlée, déjà vu, très bien, où êtes-vous", "cp1252"),
        ("Привет, как дела? Это русский текст, и он не очень длинный.", "cp1251"),
        ("こんにちは世界、これは日本語の文章です。", "shift_jis"),
    ],
)
def test_encodings(tmp_path: Path, text: str, encoding: str) -> None:
    """Marks, UTF-8 and the common code pages are told; line ends become one kind."""
    (draft,) = read(tmp_path, "a.txt", (text + "\r\nend").encode(encoding))
    assert draft.text == text + "\nend"


def test_dates_in_cells_with_a_zone(tmp_path: Path) -> None:
    """A time with a zone keeps its moment."""
    (draft,) = read(tmp_path, "a.csv", "text,at\nx,2024-05-01T10:00:00+02:00\n")
    assert draft.metadata["at"] == datetime(2024, 5, 1, 8, tzinfo=UTC)
