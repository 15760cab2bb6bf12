"""Paths, globs and standard input as documents.

A document's id is its path below the folder that was given, "/" between parts. A file that
is named by itself, or by a glob, has its path as given (below the working directory, where
it is absolute and lies there; else its name). Records of a file have ids of their own or
"path#number".

``--prune`` removes every document of the collection that a run did not name, save those
that it failed to read (``Refusal.id``; where that is "", nothing can be told gone).
"""

import io
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from glob import glob, has_magic
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from indexer.draft import Draft, Refusal, storable
from indexer.loaders.registry import FORMATS, SAMPLE_BYTES, format_of, loader_of, sniff
from indexer.loaders.source import Source
from services.documents import check_id
from services.errors import InvalidInput, WinnowError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

_JUNK = frozenset({"__pycache__", "node_modules", "__MACOSX", "venv", "site-packages"})
_MANY = frozenset({"csv", "tsv", "json", "jsonl"})
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What there is to read.

    Attributes:
        sources: in the order of reading: as the paths are given, folders sorted.
        skipped: for each suffix that no loader knows, how many files have it.
        refusals: paths that are not there or cannot be opened.
        total_bytes: of all sources whose size is known.
    """

    sources: tuple[Source, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()

    @property
    def total_bytes(self) -> int:
        """The size of all files; standard input counts nothing."""
        return sum(source.size for source in self.sources)


def read_sources(
    paths: Sequence[str],
    *,
    format: str | None = None,  # noqa: A002 - the command line's word
    max_document_bytes: int = 16 * 2**20,
) -> Iterator[Draft | Refusal]:
    """The documents of folders, files, globs and standard input ("-"), streamed.

    Args:
        format: reads everything as this format instead of going by suffix and content.

    Raises:
        InvalidInput: the format is not known.
    """
    inventory = take_inventory(paths, format=format, max_document_bytes=max_document_bytes)
    yield from inventory.refusals
    for source in inventory.sources:
        yield from load_source(source, format=format)


def take_inventory(
    paths: Sequence[str],
    *,
    format: str | None = None,  # noqa: A002 - the command line's word
    max_document_bytes: int = 16 * 2**20,
    standard_input: BinaryIO | None = None,
) -> Inventory:
    """Find what there is to read without reading it; arguments as :func:`read_sources`.

    Hidden files, and folders of tools (.git, node_modules, __pycache__), are passed over.
    """
    if format is not None and format not in FORMATS:
        raise InvalidInput(f"'{format}' is not a format: use one of {', '.join(FORMATS)}.")
    found = _Found(format, max_document_bytes)
    for path in paths:
        if path == STANDARD_INPUT:
            found.add_standard_input(standard_input or sys.stdin.buffer)
        else:
            found.add(path)
    return Inventory(tuple(found.sources.values()), dict(found.skipped), tuple(found.refusals))


def load_source(
    source: Source,
    *,
    format: str | None = None,  # noqa: A002 - the command line's word
) -> Iterator[Draft | Refusal]:
    """One source's documents; whatever is wrong with it becomes a refusal."""
    form = format or format_of(source.id)
    try:
        if not form:
            source, form = _sniffed(source)
        for item in loader_of(form)(source):
            yield _checked(item, source)
    except (WinnowError, OSError) as error:
        reason = error.detail if isinstance(error, WinnowError) else f"It cannot be read: {error}."
        yield Refusal(source.name, reason, id="" if form in _MANY else source.id)
    except Exception as error:  # noqa: BLE001 - a fault of a parser must not stop the run
        reason = f"It is damaged, or its parser is: {type(error).__name__}: {str(error)[:200]}"
        yield Refusal(source.name, reason, id="" if form in _MANY else source.id)


def _checked(item: Draft | Refusal, source: Source) -> Draft | Refusal:
    if isinstance(item, Refusal):
        return item
    try:
        check_id(item.id)
        return item.checked(source.max_document_bytes)
    except WinnowError as error:
        name = source.name if item.id == source.id else f"{source.name} ({item.id[:80]})"
        return Refusal(name, error.detail, id=item.id)


def _sniffed(source: Source) -> tuple[Source, str]:
    """The source's format by its content, and the source with nothing of it lost."""
    if source.path is not None:
        with source.open() as stream:
            return source, sniff(stream.read(SAMPLE_BYTES))
    with source.open() as stream:
        sample = stream.read(SAMPLE_BYTES)
        rest = io.BufferedReader(_Prefixed(sample, stream))
    return replace(source, opener=lambda: nullcontext(rest)), sniff(sample)


class _Prefixed(io.RawIOBase):
    """A stream with what was read of it put back before it."""

    def __init__(self, start: bytes, stream: BinaryIO) -> None:
        self._start = start
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer).cast("B")
        piece, self._start = self._start[: len(view)], self._start[len(view) :]
        piece = piece or self._stream.read(len(view))
        view[: len(piece)] = piece
        return len(piece)


class _Found:
    """Sources by id as paths are added."""

    def __init__(self, form: str | None, max_document_bytes: int) -> None:
        self.sources: dict[str, Source] = {}
        self.skipped: Counter[str] = Counter()
        self.refusals: list[Refusal] = []
        self._form = form
        self._max_document_bytes = max_document_bytes
        self._seen: set[str] = set()

    def add(self, path: str) -> None:
        """A folder with all in it, a file, or all files that a glob matches."""
        there = Path(path)
        if there.is_dir():
            self._add_folder(there)
        elif there.exists():
            self._add_file(there, _given_id(path))
        elif has_magic(path):
            found = sorted(glob(path, recursive=True))  # noqa: PTH207 - any pattern, absolute too
            matches = [match for match in found if Path(match).is_file()]
            for match in matches:
                self._add_file(Path(match), _given_id(match))
            if not matches:
                self._refuse(path, "No file matches it.")
        else:
            self._refuse(path, "There is no such file or folder.")

    def add_standard_input(self, stream: BinaryIO) -> None:
        """Standard input, one document or many by its format."""
        self.sources["stdin"] = Source(
            id="stdin",
            name="standard input",
            opener=lambda: nullcontext(stream),
            max_document_bytes=self._max_document_bytes,
        )

    def _add_folder(self, root: Path) -> None:
        entered: set[tuple[int, int]] = set()

        def refuse(error: OSError) -> None:
            self._refuse(str(error.filename), f"It cannot be read: {error.strerror}.")

        for folder, folders, files in os.walk(root, followlinks=True, onerror=refuse):
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in entered:
                folders.clear()  # a link that leads back to where we have been
                continue
            entered.add((status.st_dev, status.st_ino))
            folders[:] = sorted(name for name in folders if not _is_junk(name))
            for name in sorted(files):
                if _is_junk(name):
                    continue
                path = Path(folder, name)
                if self._form or format_of(name):
                    self._add_file(path, path.relative_to(root).as_posix())
                else:
                    self.skipped[path.suffix.casefold() or name] += 1

    def _add_file(self, path: Path, identifier: str) -> None:
        where = os.path.realpath(path)  # one file that is reached in two ways is read once
        if where in self._seen:
            return
        self._seen.add(where)
        if not path.is_file():
            self._refuse(str(path), "It is not a file: a broken link, a pipe or a device.")
            return
        if identifier in self.sources:
            other = self.sources[identifier].name
            self._refuse(
                str(path),
                f"{other} has the same id, '{identifier}': ingest the folder that holds both.",
            )
            return
        self.sources[identifier] = Source(
            id=identifier,
            name=storable(str(path)),
            opener=lambda: path.open("rb"),
            size=path.stat().st_size,
            path=path,
            max_document_bytes=self._max_document_bytes,
        )

    def _refuse(self, path: str, reason: str) -> None:
        self.refusals.append(Refusal(storable(path), reason))


def _is_junk(name: str) -> bool:
    return name.startswith((".", "~$")) or name in _JUNK


def _given_id(path: str) -> str:
    """The id of a file that is named by itself."""
    given = Path(os.path.normpath(path))
    if given.is_absolute():
        here = Path.cwd()
        return given.relative_to(here).as_posix() if given.is_relative_to(here) else given.name
    return PurePosixPath(*(part for part in given.parts if part != "..")).as_posix()
