"""Where OpenSearch's text indexes live: an index with its alias for each generation."""

from services.generations import Generation
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
        held = self._open.get(generation.name)
        if held is not None:
            return held
        alias = self._layout.alias(_PART, generation.name)
        if not await exists(self._client, alias):
            settings = self._layout.settings(**index_settings())
            await create_index(self._client, alias, settings, index_mappings())
        index = OpenSearchIndex(self._client, alias, wait=self._layout.refresh == "wait_for")
        return self._open.setdefault(generation.name, index)

    async def drop(self, generation: Generation) -> None:
        """Remove the generation's index."""
        self._open.pop(generation.name, None)
        await drop_index(self._client, self._layout.alias(_PART, generation.name))

    async def ping(self) -> None:
        """Raise BackendUnavailable where the cluster does not answer."""
        await self._client.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
