"""Zip packages (DOCX, PPTX, EPUB) opened with care."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from indexer.loaders.source import Source
from services.errors import InvalidDocument, TooLarge

_MAX_ENTRIES = 20_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_FLAG = 0x1


@contextmanager
def open_package(source: Source) -> Iterator[tuple[BytesIO, zipfile.ZipFile]]:
    """The package's bytes and its directory, once it is known to unpack to a sane size.

    Raises:
        InvalidDocument: it is no zip package, damaged or encrypted.
        TooLarge: it is, or unpacks to, more than a container may have.
    """
    content = source.read_container()
    if content.startswith(_OLE):
        raise InvalidDocument(
            "It is encrypted or in the old Office format: "
            "save it without a password as DOCX or PPTX."
        )
    try:
        with zipfile.ZipFile(BytesIO(content)) as package:
            _check(package, source.max_container_bytes)
            yield BytesIO(content), package
    except (zipfile.BadZipFile, EOFError) as error:
        raise InvalidDocument(f"It is damaged: {error}.") from None


def _check(package: zipfile.ZipFile, max_bytes: int) -> None:
    entries = package.infolist()
    # zipfile never unpacks more of an entry than its directory declares.
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > max_bytes or len(entries) > _MAX_ENTRIES:
        raise TooLarge(
            f"It unpacks to {unpacked} bytes in {len(entries)} parts; "
            f"at most {max_bytes} bytes in {_MAX_ENTRIES} parts are read."
        )
    if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in entries):
        raise InvalidDocument("It is encrypted: save it without a password.")
