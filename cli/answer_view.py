"""Shows a search's answer in a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from search_api.answer import Explanation, Highlight, Result, SearchAnswer
from search_api.ui.excerpts import excerpt
from search_api.ui.wording import as_sentence, degraded_sentences, stage_name, value_label

PASSAGE_CHARACTERS = 280
_STYLES = {"word": "bold yellow", "meaning": "italic cyan"}
_INDENT = "    "


def show(
    answer: SearchAnswer, console: Console, *, explain: bool = False, keeps_pages: bool = False
) -> None:
    """Results with their passages, then how they came about and how to see more."""
    for result in answer.results:
        _show_result(result, console)
        if explain and result.explain is not None:
            console.print(_explanation(result.explain))
        console.print()
    if not answer.results:
        console.print(f"Nothing found in collection '{answer.collection}'.\n")
    _show_facets(answer, console)
    console.print(summary(answer))
    console.print(stages(answer))
    for sentence in (*degraded_sentences(answer.degraded), *map(as_sentence, answer.notes)):
        console.print(Text(sentence, style="yellow"))
    if answer.next:
        more = f"--next {answer.next}" if keeps_pages else "with a greater --size"
        console.print(Text(f"More: winnow search {more}", style="dim"), soft_wrap=True)


def summary(answer: SearchAnswer) -> Text:
    """How many documents match, and how the order was made."""
    count = f"{answer.total.value:,}"
    matches = count if answer.total.relation == "eq" else f"at least {count}"
    noun = "document" if answer.total.value == 1 else "documents"
    line = Text(f"{matches} {noun}, {answer.took_ms:.0f} ms", style="bold")
    line.append(f" · {answer.mode}" + (" · reranked" if answer.reranked else ""))
    if answer.window is not None and answer.reranked:
        line.append(f" ({answer.window.scored} of {answer.window.size} chunks)")
    return line.append(" · from the cache" if answer.cached else "")


def stages(answer: SearchAnswer) -> Text:
    """Each stage with its time and what came out of it."""
    parts = [
        f"{stage_name(each.name)} {each.ms:.0f} ms → {each.candidates}" for each in answer.stages
    ]
    return Text(" · ".join(parts), style="dim")


def marked(text: str, highlights: Sequence[Highlight], limit: int = PASSAGE_CHARACTERS) -> Text:
    """The part of a passage that matched, on one line, its matches in colour."""
    line = Text()
    for segment in excerpt(text, highlights, limit).segments:
        line.append(" ".join(segment.text.split("\n")), style=_STYLES.get(segment.kind, ""))
    return line


def _show_result(result: Result, console: Console) -> None:
    head = Text(f"{result.rank:>2}. ", style="bold")
    head.append(result.title or result.id, style="bold blue")
    head.append(f"  {result.score:.4f}", style="dim")
    console.print(head)
    where = result.url or result.id
    if where != result.title:
        console.print(Text(_INDENT + where, style="green"))
    for passage in result.passages[:2]:
        if passage.headings:
            console.print(Text(_INDENT + " › ".join(passage.headings), style="dim"))
        body = marked(passage.text, passage.highlights)
        lines = body.wrap(console, max(20, console.width - len(_INDENT)))
        for line in lines:
            console.print(Text(_INDENT).append_text(line))


def _explanation(explain: Explanation) -> Text:
    parts = []
    for name, leg in (("words", explain.lexical), ("meaning", explain.vector)):
        parts.append(f"{name} #{leg.rank} ({leg.score:.3f})" if leg else f"{name} –")
    if explain.fused_rank is not None:
        parts.append(f"fused #{explain.fused_rank} ({explain.fused or 0:.4f})")
    if explain.late is not None:
        parts.append(f"late {explain.late:.3f}")
    if explain.cross_encoder is not None:
        cut = ", cut to fit" if explain.truncated else ""
        parts.append(f"reranked {explain.cross_encoder:.3f}{cut}")
    if explain.winning_chunk is not None:
        parts.append(f"chunk {explain.winning_chunk}")
    return Text(_INDENT + " · ".join(parts), style="magenta")


def _show_facets(answer: SearchAnswer, console: Console) -> None:
    for key, values in answer.facets.items():
        shown = ", ".join(f"{value_label(each.value)} ({each.count:,})" for each in values[:10])
        console.print(Text(f"{key}: ", style="bold").append(shown or "no values", style="not bold"))
    if answer.facets:
        console.print()
