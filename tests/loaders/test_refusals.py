"""Every way in which a file can be bad: refused with its reason, and nothing else stops."""

import io
import os
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.draft import Draft, Refusal
from indexer.loaders.registry import FORMATS
from indexer.loaders.source import Source
from indexer.sources import load_source, read_sources
from tests.loaders import samples

ENTITIES = (
    '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">'
    '<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;">]>'
)


def refusals(folder: Path, max_document_bytes: int = 2**20) -> list[Refusal]:
    items = read_sources([str(folder)], max_document_bytes=max_document_bytes)
    return [item for item in items if isinstance(item, Refusal)]


def zip_bomb() -> bytes:
    return samples.package({"word/document.xml": b"\0" * (40 * 2**20)})


def encrypted_zip() -> bytes:
    """A package whose entries say that they are encrypted."""
    content = bytearray(samples.package({"word/document.xml": "x"}))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature) + place
        struct.pack_into("<H", content, at, 1)
    return bytes(content)


def docx_with_entities() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(samples.word())) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "word/document.xml":
                content = content.replace(b"<w:document", ENTITIES.encode() + b"<w:document", 1)
                content = content.replace(b"Turn it on.", b"&e;&e;&e;")
            new.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "It is empty"),
        ("a.txt", b" \n\t ", "It is empty"),
        ("a.txt", b"abc\0def", "not text"),
        ("a.txt", bytes(range(1, 32)) * 50, "not text"),
        ("a.md", b"\n\n", "It is empty"),
        ("a.html", b"<html><script>x</script></html>", "No text"),
        ("a.html", b"", "No text"),
        ("a.pdf", b"not a pdf", "not a PDF"),
        ("a.pdf", b"%PDF-1.7\n" + b"x" * 2_000, "not a PDF"),
        ("a.pdf", samples.pdf("Text")[:200], "not a PDF"),
        ("a.pdf", samples.pdf("Text", encrypt=True), "encrypted"),
        ("a.pdf", samples.pdf("", ""), "run OCR"),
        ("a.docx", b"PK\x03\x04broken", "damaged"),
        ("a.docx", samples.word()[:3_000], "damaged"),
        ("a.docx", samples.slides(), "not a DOCX"),
        ("a.docx", samples.package({"word/document.xml": "<broken"}), "damaged"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 500, "encrypted or in the old"),
        ("a.docx", encrypted_zip(), "encrypted"),
        ("a.docx", zip_bomb(), "unpacks to"),
        ("a.pptx", samples.word(), "not a PPTX"),
        ("a.epub", samples.word(), "not an EPUB"),
        ("a.epub", samples.book(**{"OPS/book.opf": "<package"}), "damaged"),
        ("a.epub", samples.book(**{"OPS/one .xhtml": "", "OPS/two.xhtml": "<p/>"}), "no text"),
        (
            "a.epub",
            samples.book(
                **{
                    "META-INF/encryption.xml": '<e xmlns:x="http://www.w3.org/2001/04/xmlenc#">'
                    '<x:CipherReference URI="OPS/two.xhtml"/></e>'
                }
            ),
            "DRM",
        ),
        ("a.csv", b"", "It is empty"),
        ("a.csv", b"a,a\n1,2\n", "same name"),
        ("a.csv", b"text\nx\0y\n", "not text"),
        ("a.csv", b"text\n" + b"good\n" * 30_000 + b"\xff\xfe\n", "not text"),
        ("a.csv", b"text,b\nx,1,2\n", "3 cells for 2 columns"),
        ("a.json", b"", "not JSON"),
        ("a.json", b'{"text": ', "not JSON"),
        ("a.json", b"3", "a document is a JSON object"),
        ("a.json", b'{"text": 1}', "'text' is a string"),
        ("a.json", b'{"text": "x", "n": Infinity}', "not a finite number"),
        ("a.json", b'{"text": "a"}\n{"text": "b"}', "jsonl"),
        ("a.json", b'[{"text": "a"} {"text": "b"}]', "',' is expected"),
        ("a.json", b'[{"text": "a"}, nonsense]' + b" " * 10**6, "not JSON"),
        ("a.json", b"[" * 100_000, "nested too deep"),
        ("a.json", b'{"text":"x","a":' + b'{"a":' * 40 + b"1" + b"}" * 41, "deeper than"),
        ("a.jsonl", b'{"text": "\xff"}', "not JSON"),
        ("a.jsonl", b'{"_id": "a", "text": "x", "n": NaN}', "not JSON"),
        ("a.jsonl", b'{"_id": "a\\n", "text": "x"}', "control characters"),
        ("a.jsonl", b'{"_id": "' + b"x" * 600 + b'", "text": "x"}', "1 to 512 bytes"),
        ("a.jsonl", b'["a"]', "not an array"),
        ("a.jsonl", b'{"text": "x", "principals": "me"}', "'principals' is a list"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    """Its reason is a sentence, and the good file after it is read."""
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z.txt").write_text("good")
    items = list(read_sources([str(tmp_path)], max_document_bytes=2**20))
    refused = [item for item in items if isinstance(item, Refusal)]
    assert len(refused) == 1
    assert reason in refused[0].reason
    assert name in refused[0].source
    assert isinstance(items[-1], Draft)
    assert items[-1].id == "z.txt"


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.json", "a.jsonl", "a.csv"])
def test_a_text_over_the_cap_is_refused(tmp_path: Path, name: str) -> None:
    """The cap counts bytes of a document's text, and the reason names the setting."""
    text = "wörd " * 1_000
    content = {"a.json": f'{{"text": "{text}"}}', "a.jsonl": f'{{"text": "{text}"}}'}.get(
        name, text
    )
    (tmp_path / name).write_text(f"text\n{text}" if name == "a.csv" else content)
    (refusal,) = refusals(tmp_path, max_document_bytes=5_000)
    assert any(word in refusal.reason for word in ("bytes", "limit"))


def test_a_pdf_may_be_larger_than_its_text(tmp_path: Path) -> None:
    """A container's cap is not its text's."""
    (tmp_path / "a.pdf").write_bytes(samples.pdf("Short") + b"%" * 20_000)
    assert refusals(tmp_path, max_document_bytes=2_000) == []
    (tmp_path / "a.pdf").write_bytes(samples.pdf("Short") + b"%" * 40_000)
    assert "more than 32000 bytes" in refusals(tmp_path, max_document_bytes=2_000)[0].reason


def test_entities_do_not_expand(tmp_path: Path) -> None:
    """A document of nested entities stays small, or is refused."""
    (tmp_path / "a.docx").write_bytes(docx_with_entities())
    (tmp_path / "b.epub").write_bytes(
        samples.book(**{"OPS/one .xhtml": ENTITIES + "<html><body><p>&e;&e;</p></body></html>"})
    )
    for item in read_sources([str(tmp_path)]):
        assert isinstance(item, Refusal) or len(item.text) < 1_000


def test_bad_records_do_not_stop_good_ones(tmp_path: Path) -> None:
    """A line, row or item that is refused leaves the rest, and its place is named."""
    (tmp_path / "a.jsonl").write_text('{"id": "1", "text": "x"}\nbad\n{"id": "2", "text": "y"}')
    (tmp_path / "b.csv").write_text("id,text\n3,x\n4,y,z\n5,w\n")
    (tmp_path / "c.json").write_text('[{"id": "6", "text": "x"}, 7, {"id": "8", "text": "y"}]')
    items = list(read_sources([str(tmp_path)]))
    assert [item.id for item in items if isinstance(item, Draft)] == ["1", "2", "3", "5", "6", "8"]
    places = [Path(item.source).name for item in items if isinstance(item, Refusal)]
    assert places == ["a.jsonl:2", "b.csv#2", "c.json#2"]


def test_a_line_that_is_too_long_is_skipped_whole(tmp_path: Path) -> None:
    """The line after it is read as its own."""
    long = '{"text": "' + "x" * 50_000 + '"}'
    (tmp_path / "a.jsonl").write_text(f'{long}\n{{"id": "2", "text": "y"}}\n{long}')
    items = list(read_sources([str(tmp_path)], max_document_bytes=2_000))
    assert [type(item) for item in items] == [Refusal, Draft, Refusal]


def test_a_refusal_names_the_document_that_it_would_have_been(tmp_path: Path) -> None:
    """So that pruning keeps it; where records are lost, their ids are not known."""
    for name in ("a.txt", "b.json"):
        (tmp_path / name).write_bytes(b"\0")
    assert [refusal.id for refusal in refusals(tmp_path)] == ["a.txt", ""]


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """The system's reason is given."""
    missing = Source("a.txt", "a.txt", (tmp_path / "gone.txt").open)  # type: ignore[arg-type]
    (refusal,) = load_source(missing)
    assert isinstance(refusal, Refusal)
    assert "No such file" in refusal.reason


@pytest.mark.parametrize("form", FORMATS)
@given(content=st.binary(max_size=400))
@settings(max_examples=15, deadline=None)
def test_no_bytes_make_a_loader_raise(
    form: str, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is in a file, loading it gives documents or refusals."""
    path = tmp_path_factory.getbasetemp() / f"any-{os.getpid()}-{form}"
    path.write_bytes(content)
    for item in read_sources([str(path)], format=form):
        assert isinstance(item, Draft | Refusal)
