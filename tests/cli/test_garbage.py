"""Garbage collection while serving."""

import subprocess
import sys


def test_what_is_loaded_is_left_out_of_collections() -> None:
    """In a process of its own, since it changes the whole process: frozen, and seldom run."""
    program = (
        "import gc\n"
        "from services.garbage import settle\n"
        "before = gc.get_threshold()[0]\n"
        "settle()\n"
        "assert gc.get_freeze_count() > 1_000\n"
        "assert gc.get_threshold()[0] > 10 * before\n"
        "assert gc.isenabled()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
