"""The page's own files, each under an address that changes with its content."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file in memory."""

    name: str
    content: bytes
    media_type: str
    digest: str

    @property
    def url(self) -> str:
        """Its address; a changed file gets a new one, so it may be cached for ever."""
        return f"/assets/{self.name}?v={self.digest}"


def _load(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(path.name, content, _TYPES[path.suffix], digest)


ASSETS = {path.name: _load(path) for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}
