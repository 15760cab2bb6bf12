"""Runs a writer in a process of its own and kills it in the middle of its work."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def kill_after(module: str, path: Path, writes: int) -> int:
    """Run a module that prints the number of each acknowledged write, and kill it.

    Args:
        module: what ``python -m`` runs, with the path as its argument.
        path: where it writes.
        writes: the number after which it is killed.

    Returns:
        the last number that it printed before it died.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", module, str(path)], stdout=subprocess.PIPE, cwd=_ROOT, text=True
    )
    assert child.stdout is not None
    acknowledged = 0
    with child:
        for line in child.stdout:
            acknowledged = int(line)
            if acknowledged == writes:
                child.kill()
    return acknowledged
