"""What lies where in a data directory, and its format number."""

import json
from dataclasses import dataclass
from pathlib import Path

from services.embedded.files import write_aside
from services.errors import BackendUnavailable, DataFormatUnsupported

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """The embedded stores' places under one data directory."""

    root: Path

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.root / "ledger.sqlite"

    @property
    def lexical(self) -> Path:
        """The text indexes' folder."""
        return self.root / "lexical"

    @property
    def vectors(self) -> Path:
        """The vector indexes' folder."""
        return self.root / "vectors"

    def check_format(self) -> None:
        """Write the format number into a new directory; refuse one that is newer.

        Raises:
            DataFormatUnsupported: a newer Winnow wrote the directory.
            BackendUnavailable: its format file cannot be read.
        """
        path = self.root / "format.json"
        if not path.exists():
            write_aside(path, json.dumps({"format": FORMAT}))
            return
        try:
            found = int(json.loads(path.read_bytes())["format"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BackendUnavailable(
                f"{path} is damaged ({error}). Restore it from a backup, or index anew into "
                "another directory.",
                retry_after_s=None,
            ) from error
        if found > FORMAT:
            raise DataFormatUnsupported(
                f"The data directory {self.root} has format {found}; this Winnow reads up to "
                f"{FORMAT}. Upgrade Winnow, or choose another directory with WINNOW_DATA_DIR.",
                retry_after_s=None,
            )
