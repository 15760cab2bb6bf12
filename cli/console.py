"""What the commands print: answers on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")


def say(message: str) -> None:
    """A line for people, on standard error."""
    print(message, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """One JSON value on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def present(value: T, *, as_json: bool, told: "str | Callable[[T, Console], object]") -> None:
    """What a command has to say in the end: ``value`` as JSON, or ``told`` to people.

    ``told`` is a sentence, or shows the value on the console of answers.
    """
    if as_json:
        print_json(value)
    elif isinstance(told, str):
        say(told)
    else:
        told(value, answers())


def answers() -> "Console":
    """Standard output for formatted answers."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False, emoji=False, markup=False)


def messages() -> "Console":
    """Standard error for progress."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False, markup=False)
