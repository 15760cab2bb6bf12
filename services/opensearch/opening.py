"""Both adapters over one pool of connections."""

from services.opensearch.client import OpenSearchClient
from services.opensearch.indexes import Layout
from services.opensearch.ledger import OpenSearchLedger
from services.opensearch.lexical import OpenSearchStore
from services.settings import Settings


def open_opensearch(settings: Settings) -> tuple[OpenSearchLedger, OpenSearchStore]:
    """The ledger and the text index of a cluster; nothing is sent before it is needed."""
    client = OpenSearchClient(settings.opensearch_url)
    layout = Layout(
        prefix=settings.opensearch_prefix,
        shards=settings.opensearch_shards,
        replicas=settings.opensearch_replicas,
        refresh=settings.opensearch_refresh,
    )
    return OpenSearchLedger(client, layout), OpenSearchStore(client, layout)
