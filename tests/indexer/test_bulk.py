"""NDJSON as it arrives."""

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.bulk import Line, split_lines

LINES = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=8)


async def _stream(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@settings(max_examples=100, deadline=None)
@given(LINES, st.lists(st.integers(0, 100), max_size=6), st.integers(1, 12))
async def test_lines_do_not_depend_on_how_the_body_arrives(
    lines: list[bytes], cuts: list[int], cap: int
) -> None:
    """Blank lines are left out, long ones have no content, numbers count every line."""
    body = b"\n".join(lines)
    places = sorted({0, len(body), *(min(cut, len(body)) for cut in cuts)})
    pieces = [body[start:end] for start, end in pairwise(places)]
    expected = []
    for number, line in enumerate(lines, 1):
        content = line.strip()
        if number == 1:
            content = content.removeprefix(b"\xef\xbb\xbf")
        if len(line) > cap:
            expected.append(Line(number, None))
        elif content:
            expected.append(Line(number, content))
    assert [line async for line in split_lines(_stream(pieces), cap)] == expected
