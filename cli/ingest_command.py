"""What ``winnow ingest`` does and tells."""

import asyncio
from dataclasses import dataclass

from cli.backend import open_backend
from cli.ingest import Ingested, ingest, read_batches
from cli.progress import meter
from indexer.sources import take_inventory
from services.settings import Settings

REFUSALS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line says."""

    paths: tuple[str, ...]
    collection: str
    prune: bool
    form: str | None
    language: str
    dry_run: bool


async def perform(settings: Settings, choices: Choices) -> Ingested:
    """Read, store and index.

    Raises:
        InvalidInput: the format is not known.
        BackendUnavailable: the stores cannot be had.
    """
    inventory = await asyncio.to_thread(
        take_inventory,
        choices.paths,
        format=choices.form,
        max_document_bytes=settings.max_document_bytes,
    )
    batches = read_batches(inventory, choices.form, choices.language)
    if choices.dry_run:
        done = Ingested()
        for batch in batches:
            done.read += len(batch.drafts)
            done.refused += batch.refusals
    else:
        async with open_backend(settings) as backend:
            with meter(f"Ingesting into '{choices.collection}'") as shown:
                done = await ingest(
                    backend, choices.collection, batches, shown, prune=choices.prune
                )
    done.skipped = inventory.skipped
    return done


def told(done: Ingested) -> str:
    """The result for people, refusals with their reasons, a line each."""
    lines = [
        f"refused {refusal.source}: {refusal.reason}" for refusal in done.refused[:REFUSALS_SHOWN]
    ]
    if len(done.refused) > REFUSALS_SHOWN:
        lines.append(f"… and {len(done.refused) - REFUSALS_SHOWN} more (--json lists all)")
    if done.skipped:
        kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(done.skipped.items()))
        lines.append(f"Passed over files of unknown formats: {kinds}.")
    if done.pruning_held_back:
        lines.append("Nothing was pruned: what could not be read may still be there.")
    parts = [f"{done.read:,} read", f"{done.stored:,} new or changed"]
    parts.append(f"{done.unchanged:,} unchanged")
    if done.pruned:
        parts.append(f"{done.pruned:,} pruned")
    parts.append(f"{len(done.refused):,} refused")
    return "\n".join([*lines, ", ".join(parts) + "."])
