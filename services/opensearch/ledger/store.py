"""The ledger of the server stack."""

from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from services.opensearch.ledger.audit import OpenSearchAuditLog
from services.opensearch.ledger.collections import OpenSearchCollections
from services.opensearch.ledger.documents import OpenSearchDocuments
from services.opensearch.ledger.documents_index import DocumentsIndex
from services.opensearch.ledger.keys import OpenSearchKeys
from services.opensearch.ledger.leases import OpenSearchLeases
from services.opensearch.ledger.registry import Registry


class OpenSearchLedger:
    """Documents, versions and generations in OpenSearch, with optimistic concurrency.

    Implements :class:`services.ports.ledger.Ledger`. The engine syncs its log to disk
    before it acknowledges (``index.translog.durability: request``, its default).
    """

    def __init__(self, client: OpenSearchClient, layout: Layout) -> None:
        """Keep the ledger in the client's cluster; the client is closed with it."""
        self._client = client
        registry = Registry(client, layout)
        index = DocumentsIndex(client, layout, registry)
        self._collections = OpenSearchCollections(registry, index)
        self._leases = OpenSearchLeases(client, layout)
        self._documents = OpenSearchDocuments(registry, index, self._leases)
        self._audit = OpenSearchAuditLog(client, layout)
        self._keys = OpenSearchKeys(client, layout)

    @property
    def collections(self) -> OpenSearchCollections:
        """Collections and generations."""
        return self._collections

    @property
    def documents(self) -> OpenSearchDocuments:
        """Documents and marks."""
        return self._documents

    @property
    def leases(self) -> OpenSearchLeases:
        """Who may build what."""
        return self._leases

    @property
    def audit(self) -> OpenSearchAuditLog:
        """Who did what."""
        return self._audit

    @property
    def keys(self) -> OpenSearchKeys:
        """Who may ask."""
        return self._keys

    async def ping(self) -> None:
        """Raise BackendUnavailable where the cluster does not answer."""
        await self._client.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
