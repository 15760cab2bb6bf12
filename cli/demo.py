"""Shows Winnow on text that every machine has: the documentation of the installed Python."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.answer_view import marked, stages
from cli.application import Runtime, open_key_ring
from cli.backend import Backend
from cli.console import answers, say
from cli.ingest import BATCH_DOCUMENTS, Batch, ingest
from cli.local import Local, open_local
from cli.progress import meter
from cli.serve import PortUnavailable, listening_socket, serve_runtime
from indexer.draft import Draft
from indexer.standard_library import standard_library_drafts
from search_api.answer import LegExplanation, Result
from search_api.mcp_tools import open_mcp
from search_api.request import SearchRequest
from search_api.ui.wording import as_sentence, degraded_sentences
from services.embedded.lock import find_owner
from services.settings import Settings
from services.web.keys import Keys, check_exposure

COLLECTION = "python"
SHOWN = 4

# Each shows something else: a paraphrase that the vectors place first and the words do not,
# two that need both, a name that words are for, and a phrase with an exclusion.
QUESTIONS = (
    "iterate over pairs of neighbouring elements",
    "split a path into directory and file name",
    "stop waiting after a number of seconds",
    "shutil.copytree symlinks",
    '"regular expression" -compile',
)


async def demo(settings: Settings, *, and_serve: bool) -> None:
    """Index, ask, and serve unless told not to; what is indexed already costs nothing.

    Raises:
        PortUnavailable: before anything slow, where the port is taken.
        DataDirectoryLocked: another process keeps the data directory.
    """
    owner = find_owner(settings.data_path)
    if owner is not None and owner.url:
        say(f"Winnow serves this data directory at {owner.url} already: look there.")
        return
    with ExitStack() as stack:
        listener = None
        if and_serve:
            check_exposure(settings.host, Keys.from_settings(settings), open_to_all=False)
            try:
                listener = stack.enter_context(listening_socket(settings.host, settings.port))
            except PortUnavailable as error:
                raise PortUnavailable(
                    f"{error.detail} --no-serve stops after the answers."
                ) from None
        async with open_local(settings) as local:
            await _index(local)
            await _ask(local, answers())
            if listener is not None:
                local.indexer.start()
                async with (
                    open_key_ring(local.services) as keys,
                    open_mcp(local.services, local.searcher) as mcp,
                ):
                    runtime = Runtime(local.services, local.indexer, local.searcher, mcp, keys)
                    await serve_runtime(runtime, listener)


async def _index(local: Local) -> None:
    say("Reading the documentation of the installed Python's standard library …")
    drafts = await asyncio.to_thread(standard_library_drafts)
    with meter(f"Indexing {len(drafts):,} documents") as shown:
        done = await ingest(local, COLLECTION, _batches(drafts), shown, prune=True)
    if not done.stored:
        say("All of it is indexed already.")
    for refusal in done.refused:
        say(f"refused {refusal.source}: {refusal.reason}")


def _batches(drafts: Sequence[Draft]) -> Iterator[Batch]:
    for start in range(0, len(drafts), BATCH_DOCUMENTS):
        end = start + BATCH_DOCUMENTS
        yield Batch(drafts[start:end], (), min(1.0, end / len(drafts)))


async def _ask(backend: Backend, console: Console) -> None:
    """Ask each question and show what every stage made of it."""
    seen: set[str] = set()
    for question in QUESTIONS:
        # The first answer of a process pays for pages of memory that later ones find warm.
        request = SearchRequest(query=question, size=SHOWN, explain=True, deadline_ms=10_000)
        answer = await backend.search(COLLECTION, request)
        console.print()
        console.print(Text(question, style="bold"))
        console.print(_table(answer.results))
        if answer.results and answer.results[0].passages:
            passage = answer.results[0].passages[0]
            console.print(Text("  ").append_text(marked(passage.text, passage.highlights, 160)))
        console.print(stages(answer))
        for sentence in (*degraded_sentences(answer.degraded), *map(as_sentence, answer.notes)):
            if sentence not in seen:
                seen.add(sentence)
                console.print(Text(sentence, style="yellow"))


def _table(results: Sequence[Result]) -> Table:
    """The final order: a result's place in each leg and fused, then the rerankers' scores."""
    table = Table("", "document", box=None, pad_edge=False)
    for stage in ("words", "meaning", "fused", "late", "cross-encoder"):
        table.add_column(stage, justify="right")
    for result in results:
        explain = result.explain
        if explain is None:
            continue
        table.add_row(
            f"{result.rank}.",
            Text(result.id, style="bold blue"),
            _place(explain.lexical),
            _place(explain.vector),
            f"#{explain.fused_rank}" if explain.fused_rank else "–",
            _score(explain.late),
            _score(explain.cross_encoder),
        )
    return table


def _score(score: float | None) -> str:
    return "–" if score is None else f"{score:+.2f}"


def _place(leg: LegExplanation | None) -> str:
    return f"#{leg.rank}" if leg is not None else "–"
