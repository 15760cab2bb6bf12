"""What a value is wrapped in, so that nobody else's bytes are ever taken for it.

A reply can be another key's (a client that lost count of its connection's replies), cut
short, or written by something else under our key. So each value says which key it belongs
to and how it must look::

    magic (4) | key digest (32) | length of the value (8) | checksum of the value (16) | value
"""

import hashlib
import struct

_MAGIC = b"WNC1"
_HEADER = struct.Struct(">4s32sQ16s")


def key_digest(key: str) -> bytes:
    """SHA-256 of a key, of any characters and any length."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def seal(key: str, value: bytes) -> bytes:
    """The value with what proves it to be this key's."""
    return _HEADER.pack(_MAGIC, key_digest(key), len(value), _checksum(value)) + value


def unseal(key: str, sealed: object) -> bytes | None:
    """The value, or None for anything that :func:`seal` did not make of this key."""
    if not isinstance(sealed, bytes) or len(sealed) < _HEADER.size:
        return None
    magic, digest, length, checksum = _HEADER.unpack_from(sealed)
    value = sealed[_HEADER.size :]
    genuine = (
        magic == _MAGIC
        and digest == key_digest(key)
        and length == len(value)
        and checksum == _checksum(value)
    )
    return value if genuine else None


def _checksum(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=16).digest()
