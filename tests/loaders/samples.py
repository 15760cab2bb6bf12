"""Small real files of every binary format, made by the formats' own libraries or by hand."""

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime

import docx
from pptx import Presentation
from pptx.util import Inches


def pdf(*pages: str, title: str = "", encrypt: bool = False) -> bytes:
    """A PDF of one line of Latin text a page, written by hand."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET" if text else "0 0 1 rg"
        objects += [
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    objects.append(f"<< /Title ({title}) /Author (Ada) /CreationDate (D:20240501120000Z) >>")
    information = len(objects)
    extra = ""
    if encrypt:
        key = "00" * 32
        objects.append(f"<< /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >>")
        extra = f"/Encrypt {len(objects)} 0 R /ID [<00> <00>] "
    content, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n"
    start = len(content)
    content += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    content += "".join(f"{place:010} 00000 n \n" for place in places)
    content += (
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {extra}/Info {information} 0 R >>\n"
    )
    return (content + f"startxref\n{start}\n%%EOF\n").encode("latin-1")


def word() -> bytes:
    """A DOCX with headings, a list, a table and properties."""
    document = docx.Document()
    document.add_heading("Manual", 1)
    document.add_paragraph("Turn it on.")
    document.add_heading("Care", 2)
    document.add_paragraph("Dry", style="List Bullet")
    document.add_paragraph("Dust", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["part", "price", "lamp", "3"], strict=True):
        cell.text = text
    table.cell(0, 0).merge(table.cell(0, 1))
    properties = document.core_properties
    properties.title, properties.author, properties.keywords = "The Manual", "Ada; Bo", "a, b"
    properties.language, properties.modified = "en-GB", datetime(2024, 5, 1)  # noqa: DTZ001
    return _saved(document)


def slides() -> bytes:
    """A PPTX with titles, text, a table, a group and notes."""
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Welcome"
    slide.placeholders[1].text = "First point\nSecond point"
    slide.notes_slide.notes_text_frame.text = "Say hello"
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    size = Inches(1)
    table = slide.shapes.add_table(1, 2, size, size, size, size).table
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    box = slide.shapes.add_group_shape().shapes.add_textbox(size, size, size, size)
    box.text_frame.text = "in a group"
    return _saved(presentation)


def _saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def package(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip package."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def book(**changes: str) -> bytes:
    """An EPUB of two chapters; ``changes`` replaces or adds parts."""
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": (
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
        ),
        "OPS/book.opf": (
            '<package xmlns="http://www.idpf.org/2007/opf" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>The Sea</dc:title>'
            "<dc:creator>Ada</dc:creator><dc:language>en-GB</dc:language><dc:date>2020-02-03"
            '</dc:date></metadata><manifest><item id="b" href="two.xhtml"/><item id="a" '
            'href="one%20.xhtml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/>'
            "</spine></package>"
        ),
        "OPS/one .xhtml": (
            "<html><head><title>x</title></head><body><h1>One</h1><p>Waves.</p></body></html>"
        ),
        "OPS/two.xhtml": "<html><body><h1>Two</h1><p>Salt &amp; wind.</p></body></html>",
    }
    return package({**parts, **changes})
