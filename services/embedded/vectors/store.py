"""Where the embedded vector indexes live: one folder for each generation."""

import asyncio
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from services.embedded.files import folders_of_others
from services.embedded.vectors.index import EdgeIndex
from services.embedded.vectors.shard import create_shard
from services.errors import BackendUnavailable, InvalidInput
from services.generations import EncoderFingerprint, Generation

# Folders on their way in or out, of no use after a crash. No generation's name starts so.
_SCRAP = "."


class EdgeStore:
    """Implements :class:`services.ports.vectors.VectorStore` under one folder."""

    def __init__(self, path: Path) -> None:
        """Sweep what a crash left half made or half removed; blocks for a moment."""
        self._path = path
        path.mkdir(parents=True, exist_ok=True)
        for leftover in path.glob(f"{_SCRAP}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        self._indexes: dict[str, EdgeIndex] = {}
        self._opening = asyncio.Lock()

    async def open(self, generation: Generation) -> EdgeIndex:
        """The generation's index, created where it does not exist.

        Raises:
            InvalidInput: the generation was built for words only.
        """
        encoder = generation.fingerprint.encoder
        if encoder is None:
            raise InvalidInput(
                f"The generation {generation.name!r} was built without a bi-encoder: it has "
                "no vectors. Build a new one with a model."
            )
        async with self._opening:
            index = self._indexes.get(generation.name)
            if index is None:
                index = await asyncio.to_thread(self._load, generation.name, encoder)
                self._indexes[generation.name] = index
            return index

    async def drop(self, generation: Generation) -> None:
        """Remove the generation's index for good; nothing happens where there is none."""
        await self.remove(generation.name)

    async def orphans(self, known: Collection[Generation]) -> Sequence[str]:
        """Names of indexes that were made for none of these generations."""
        return await asyncio.to_thread(folders_of_others, self._path, known)

    async def remove(self, orphan: str) -> None:
        """Remove what :meth:`orphans` named."""
        async with self._opening:
            index = self._indexes.pop(orphan, None)
            if index is not None:
                await index.close()
            await asyncio.to_thread(self._remove, orphan)

    async def ping(self) -> None:
        """Raise BackendUnavailable where the folder is gone."""
        if not await asyncio.to_thread(self._path.is_dir):
            raise BackendUnavailable(f"The folder {self._path} of the vector indexes is gone.")

    async def close(self) -> None:
        """Write every index out and let its files go."""
        async with self._opening:
            indexes = list(self._indexes.values())
            self._indexes.clear()
            for index in indexes:
                await index.close()

    def _load(self, name: str, encoder: EncoderFingerprint) -> EdgeIndex:
        home = self._path / name
        if not home.exists():
            # Made aside and moved in one step: a folder of this name is always whole.
            scrap = self._path / f"{_SCRAP}new-{name}"
            create_shard(scrap / "shard", encoder.dimensions, encoder.token_dimensions)
            scrap.rename(home)
        return EdgeIndex(home, encoder)

    def _remove(self, name: str) -> None:
        home, scrap = self._path / name, self._path / f"{_SCRAP}gone-{name}"
        if home.exists():
            home.rename(scrap)
            shutil.rmtree(scrap)
