"""Changes to rows by compare-and-set: who loses to another writer looks again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from services.errors import BackendUnavailable
from services.opensearch.bulk import Action
from services.opensearch.ledger.acceptance import check
from services.opensearch.ledger.documents_index import DocumentsIndex, Row
from services.opensearch.ledger.registry import pause_s

_ATTEMPTS = 40

Step = Callable[[str, Row | None], Action | None]
"""What is to be written of a row as it stands (None where it is absent), or None for nothing."""


Decide = Callable[[], Awaitable[Step]]
"""Finds out what is to be done; raises where nothing may be done any more."""


async def change_rows(
    documents: DocumentsIndex, alias: str, ids: Iterable[str], fields: Sequence[str], decide: Decide
) -> int:
    """Change each of these rows once; returns how many were changed.

    Args:
        fields: what the step reads of a row.
        decide: asked at each attempt, after its rows were read. So every change is as good as
            made when it was decided: a row that anybody changed since is read, and decided
            on, again.

    Raises:
        BackendUnavailable: a row cannot be stored, or others change it all the time.
    """
    waiting, changed = list(dict.fromkeys(ids)), 0
    for attempt in range(_ATTEMPTS):
        held = await documents.rows(alias, waiting, fields)
        step = await decide()
        steps = (step(name, held.get(name)) for name in waiting)
        actions = [action for action in steps if action is not None]
        results = await documents.write(alias, actions)
        for result in results:
            check(result)
        waiting = [
            action.row for action, result in zip(actions, results, strict=True) if result.conflict
        ]
        changed += len(actions) - len(waiting)
        if not waiting:
            return changed
        await asyncio.sleep(pause_s(attempt))
    raise BackendUnavailable("Too many writers change the same documents at once; try again.")
