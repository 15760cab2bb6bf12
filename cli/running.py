"""Runs a command's coroutine and turns errors into a sentence and an exit code."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer

from cli.console import say
from services.errors import WinnowError

DONE = 0
FAILED = 1
SOME_REFUSED = 3
UNREACHABLE = 4
INTERRUPTED = 130

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; Ctrl-C lets it clean up and ends the command with a sentence."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        say("Stopped. What was stored stays; the same command goes on from there.")
        raise typer.Exit(INTERRUPTED) from None


def guarded(command: Callable[[], object]) -> int:
    """The exit code of a command; never a traceback, unless WINNOW_DEBUG asks for one."""
    if os.environ.get("WINNOW_DEBUG"):
        command()
        return DONE
    try:
        command()
    except WinnowError as error:
        say(f"winnow: {error.detail}")
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001  # the last line of defence: a sentence
        say(
            f"winnow: an unexpected error, {type(error).__name__}: {error} "
            "(with WINNOW_DEBUG=1 it tells where)."
        )
        return FAILED
    return DONE
