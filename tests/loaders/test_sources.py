"""Folders, files, globs and standard input."""

import io
import os
from pathlib import Path

import pytest

from indexer.draft import Draft, Refusal
from indexer.sources import load_source, read_sources, take_inventory
from services.errors import InvalidInput
from tests.loaders import samples


def ids(*paths: object, form: str | None = None) -> list[str]:
    return [item.id for item in read_sources([str(path) for path in paths], format=form)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with text, junk, links and a file that no loader knows."""
    for name in (
        "b.txt",
        "a/c.md",
        "a/ü ñ/漢字 #1.txt",
        ".git/x.txt",
        "node_modules/y.txt",
        ".z.txt",
    ):
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
    (tmp_path / "docs" / "photo.raw").write_bytes(b"\0")
    (tmp_path / "docs" / "a" / "loop").symlink_to(tmp_path / "docs", target_is_directory=True)
    return tmp_path / "docs"


def test_a_folder_is_read_in_order_without_junk(tree: Path) -> None:
    """Ids are paths below the folder in any script; hidden files and junk are passed over."""
    assert ids(tree) == ["b.txt", "a/c.md", "a/ü ñ/漢字 #1.txt"]


def test_an_inventory_counts_before_reading(tree: Path) -> None:
    """Files, bytes and what is passed over are known for progress."""
    inventory = take_inventory([str(tree)])
    assert (len(inventory.sources), inventory.total_bytes) == (3, 12)
    assert inventory.skipped == {".raw": 1}


def test_files_and_globs_have_the_path_as_given(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a shell expands and what Winnow expands have the same ids."""
    monkeypatch.chdir(tree.parent)
    assert ids("docs/b.txt") == ["docs/b.txt"]
    assert ids("./docs/../docs/b.txt") == ["docs/b.txt"]
    assert ids(tree / "b.txt") == ["docs/b.txt"]
    assert ids("docs/**/*.md") == ["docs/a/c.md"]
    monkeypatch.chdir(tree / "a")
    assert ids("../b.txt") == ["b.txt"]
    assert ids(tree / "b.txt") == ["b.txt"]


def test_a_path_named_twice_is_read_once(tree: Path) -> None:
    """The folder and a file in it do not make two documents of one file."""
    assert ids(tree, tree / "b.txt", tree) == ["b.txt", "a/c.md", "a/ü ñ/漢字 #1.txt"]


def test_two_files_with_one_id_are_not_mixed(tmp_path: Path) -> None:
    """The second folder's file is refused, with the way out."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "index.md").write_text(folder)
    items = list(read_sources([str(tmp_path / "one"), str(tmp_path / "two")]))
    assert [type(item) for item in items] == [Refusal, Draft]
    assert isinstance(items[0], Refusal)
    assert "ingest the folder that holds both" in items[0].reason


@pytest.mark.parametrize(
    ("path", "reason"), [("nowhere", "no such file"), ("none*.md", "No file matches")]
)
def test_a_path_that_is_not_there(tmp_path: Path, path: str, reason: str) -> None:
    """It is refused; nothing raises."""
    (refusal,) = read_sources([str(tmp_path / path)])
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


def test_a_broken_link_and_a_pipe_are_refused(tmp_path: Path) -> None:
    """Opening a pipe would wait for ever."""
    (tmp_path / "a.txt").symlink_to(tmp_path / "gone.txt")
    os.mkfifo(tmp_path / "b.txt")
    items = list(read_sources([str(tmp_path)]))
    assert all(isinstance(item, Refusal) and "not a file" in item.reason for item in items)
    assert len(items) == 2


def test_a_name_that_is_no_unicode_is_refused(tmp_path: Path) -> None:
    """Its id could not be stored; the message can be printed."""
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")).write_text("x")
    except OSError:
        return  # a file system that allows no such name
    (refusal,) = read_sources([str(tmp_path)])
    assert isinstance(refusal, Refusal)
    refusal.source.encode()
    assert "not valid Unicode" in refusal.reason


def test_a_path_that_is_too_long_for_an_id_is_refused(tmp_path: Path) -> None:
    """An id has at most 512 bytes."""
    folder = tmp_path / "root" / ("x" * 200) / ("y" * 200) / ("z" * 200)
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("x")
    (refusal,) = read_sources([str(tmp_path / "root")])
    assert isinstance(refusal, Refusal)
    assert "1 to 512 bytes" in refusal.reason


@pytest.mark.parametrize(
    ("content", "title", "count"),
    [
        (b'{"id": "a", "text": "x"}\n{"id": "b", "text": "y"}', "", 2),
        (b'{\n"id": "a", "text": "x"}', "", 1),
        (b'[{"id": "a", "text": "x"}, {"id": "b", "text": "y"}]', "", 2),
        (b"# Head\n\ntext", "Head", 1),
        (b"<!DOCTYPE html><title>T</title><p>some words", "T", 1),
        (b"just words", "stdin", 1),
        (samples.pdf("Words", title="P"), "P", 1),
        (samples.word(), "The Manual", 1),
        (samples.slides(), "Welcome", 1),
        (samples.book(), "The Sea", 1),
    ],
)
def test_standard_input_is_told_by_its_content(content: bytes, title: str, count: int) -> None:
    """Every format is recognised without a name."""
    inventory = take_inventory(["-"], standard_input=io.BytesIO(content))
    drafts = [item for source in inventory.sources for item in load_source(source)]
    assert all(isinstance(draft, Draft) for draft in drafts), drafts
    assert len(drafts) == count
    assert drafts[0].title == title  # type: ignore[union-attr]


def test_standard_input_is_streamed_past_the_sample() -> None:
    """What was read to recognise it is not lost, and lines stay whole."""
    lines = b"".join(b'{"id": "%d", "text": "%s"}\n' % (n, b"x" * (n % 90)) for n in range(5_000))
    (source,) = take_inventory(["-"], standard_input=io.BytesIO(lines)).sources
    drafts = list(load_source(source))
    assert [draft.id for draft in drafts] == [str(n) for n in range(5_000)]


def test_a_table_from_a_pipe_is_read_twice() -> None:
    """Column types need all rows, which a pipe gives only once."""
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as writer:
        writer.write(b"text,n\nx,1\ny,z\n")
    with os.fdopen(read_end, "rb") as reader:
        (source,) = take_inventory(["-"], standard_input=reader).sources
        drafts = [item for item in load_source(source, format="csv") if isinstance(item, Draft)]
    assert [draft.metadata["n"] for draft in drafts] == ["1", "z"]


def test_a_zip_archive_says_what_to_do(tmp_path: Path) -> None:
    """Files without a known suffix go by content when they are named."""
    (tmp_path / "a.bin").write_bytes(samples.package({"x.txt": "x"}))
    (refusal,) = read_sources([str(tmp_path / "a.bin")])
    assert isinstance(refusal, Refusal)
    assert "unpack it" in refusal.reason


def test_a_format_overrides_suffixes(tree: Path) -> None:
    """All files of a folder are then read, whatever their names."""
    (tree / "notes.xyz").write_text("# H\n\ntext")
    (tree / "photo.raw").unlink()
    drafts = {item.id: item for item in read_sources([str(tree)], format="markdown")}
    assert drafts["notes.xyz"].title == "H"  # type: ignore[union-attr]
    with pytest.raises(InvalidInput, match="is not a format"):
        list(read_sources([str(tree)], format="word"))
