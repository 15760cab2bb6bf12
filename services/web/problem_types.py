"""Problem types by name: what a server puts into an answer and a client reads from it."""

from collections.abc import Iterator, Mapping

from services.errors import WinnowError


def problem_types() -> Mapping[str, type[WinnowError]]:
    """Every kind of error by its slug: the types that ``/problems/<slug>`` describes."""
    return {kind.slug: kind for kind in _family(WinnowError)}


def error_of(problem: Mapping[str, object]) -> WinnowError:
    """The error that a problem stands for; KeyError where its type is not known here."""
    kind = problem_types()[str(problem["type"]).rpartition("/")[2]]
    return kind(str(problem["detail"]))


def _family(kind: type[WinnowError]) -> Iterator[type[WinnowError]]:
    # An adapter's own shade of an error answers under its parent's name.
    if "slug" in vars(kind):
        yield kind
    for child in kind.__subclasses__():
        yield from _family(child)
