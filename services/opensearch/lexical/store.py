"""Where OpenSearch's text indexes live: an index with its alias for each generation."""

from collections.abc import Collection, Sequence

from services.generations import Generation, names_generation
from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout, create_index, drop_index, exists
from services.opensearch.lexical.index import OpenSearchIndex
from services.opensearch.lexical.schema import index_mappings, index_settings

_PART = "lexical"


class OpenSearchStore:
    """Implements :class:`services.ports.lexical.LexicalStore`."""

    def __init__(self, client: OpenSearchClient, layout: Layout) -> None:
        """Keep the indexes in the client's cluster; the client is closed with the store."""
        self._client = client
        self._layout = layout
        self._open: dict[str, OpenSearchIndex] = {}

    async def open(self, generation: Generation) -> OpenSearchIndex:
        """The generation's index, created where there is none."""
        alias = self._layout.alias(_PART, generation.name)
        held = self._open.get(alias)
        if held is not None:
            return held
        if not await exists(self._client, alias):
            settings = self._layout.settings(**index_settings())
            await create_index(self._client, alias, settings, index_mappings())
        index = OpenSearchIndex(self._client, alias, wait=self._layout.refresh == "wait_for")
        return self._open.setdefault(alias, index)

    async def drop(self, generation: Generation) -> None:
        """Remove the generation's index."""
        await self.remove(self._layout.alias(_PART, generation.name))

    async def orphans(self, known: Collection[Generation]) -> Sequence[str]:
        """Aliases of indexes that were made for none of these generations."""
        kept = {self._layout.alias(_PART, generation.name) for generation in known}
        found = await self._layout.aliases(self._client, _PART)
        # An alias ends in a digest of the name that stands before it.
        made = (alias for alias in found if names_generation(alias.rpartition("-")[0]))
        return sorted(alias for alias in made if alias not in kept)

    async def remove(self, orphan: str) -> None:
        """Remove what :meth:`orphans` named."""
        self._open.pop(orphan, None)
        await drop_index(self._client, orphan)

    async def ping(self) -> None:
        """Raise BackendUnavailable where the cluster does not answer."""
        await self._client.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
