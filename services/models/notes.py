"""What the models' part remembers between commands, as small JSON files.

They live in ``models/`` of the data directory. A file that cannot be read or written is
as good as none: only time is lost.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HUB_SILENCE_S = 3_600.0
_HUB_FILE = "hub.json"
_DIGESTS_FILE = "digests.json"
_ORIGINS_FILE = "origins.json"
_BLOCK_BYTES = 2**22


class Notes:
    """Remembers which hub did not answer, digests of files, and where models were found."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hub_failure(self, endpoint: str) -> str:
        """Why the hub did not answer within the last hour, or ""."""
        note = self._read(_HUB_FILE).get(endpoint)
        if not isinstance(note, Mapping):
            return ""
        age_s = time.time() - float(note.get("at", 0.0))
        return str(note.get("reason", "")) if 0 <= age_s < _HUB_SILENCE_S else ""

    def remember_hub_failure(self, endpoint: str, reason: str) -> None:
        """Do not ask this hub for an hour."""
        notes = dict(self._read(_HUB_FILE))
        notes[endpoint] = {"at": time.time(), "reason": reason}
        self._write(_HUB_FILE, notes)

    def sha256(self, file: Path) -> str:
        """The SHA-256 of a file, computed again only when its size or time changes."""
        status = file.stat()
        key = str(file.resolve())
        state = [status.st_size, status.st_mtime_ns]
        known = self._read(_DIGESTS_FILE).get(key)
        if isinstance(known, Mapping) and known.get("state") == state:
            return str(known["sha256"])
        digest = hashlib.sha256()
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
        notes = dict(self._read(_DIGESTS_FILE))
        notes[key] = {"state": state, "sha256": digest.hexdigest()}
        self._write(_DIGESTS_FILE, notes)
        return digest.hexdigest()

    def origin(self, model: str, revision: str) -> str:
        """The path or name under which a model was found at this revision, or ""."""
        return str(self._read(_ORIGINS_FILE).get(f"{model}@{revision}", ""))

    def remember_origin(self, model: str, revision: str, wanted: str) -> None:
        """A fingerprint names a model; this says how to ask for it again."""
        if self.origin(model, revision) == wanted:
            return
        notes = dict(self._read(_ORIGINS_FILE))
        notes[f"{model}@{revision}"] = wanted
        self._write(_ORIGINS_FILE, notes)

    def _read(self, name: str) -> Mapping[str, Any]:
        try:
            content = json.loads((self._folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace a file at once, so that no reader sees half of it."""
        target = self._folder / name
        fresh = target.with_name(f"{name}.{os.getpid()}.{time.monotonic_ns()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(content, indent=1), "utf-8")
            fresh.replace(target)
        except OSError:
            fresh.unlink(missing_ok=True)
