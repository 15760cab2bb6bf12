"""What ``/metrics`` tells Prometheus: every counter of Winnow in one place.

The code that does the work imports its counter from here and counts where the thing happens.
Labels are closed sets (a route template, a stage, a slug), never what a caller sent.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

REGISTRY = CollectorRegistry(auto_describe=True)

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter(
    "winnow_http_requests",
    "Requests answered, by the route's template and the status.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "winnow_http_request_seconds",
    "Seconds until a request was answered whole, by the route's template.",
    ("method", "route"),
    buckets=_SECONDS,
    registry=REGISTRY,
)
SEARCH_STAGE_SECONDS = Histogram(
    "winnow_search_stage_seconds",
    "Seconds that each stage of a search took.",
    ("stage",),
    buckets=_SECONDS,
    registry=REGISTRY,
)
DEGRADED_ANSWERS = Counter(
    "winnow_degraded_answers",
    "Answers that lacked a part, by the part: lexical, vector, reranking, ...",
    ("reason",),
    registry=REGISTRY,
)
SEARCHES_RUNNING = Gauge(
    "winnow_searches_running",
    "Searches that are being answered.",
    registry=REGISTRY,
)
SEARCHES_WAITING = Gauge(
    "winnow_searches_waiting",
    "Searches that wait for one of those to end.",
    registry=REGISTRY,
)
SEARCHES_REFUSED = Counter(
    "winnow_searches_refused",
    "Searches that were told to come back, since too many ran and waited.",
    registry=REGISTRY,
)
CACHE_LOOKUPS = Counter(
    "winnow_cache_lookups",
    "Searches looked up in the result cache, by outcome: hit or miss.",
    ("outcome",),
    registry=REGISTRY,
)
RERANK_PAIRS = Counter(
    "winnow_rerank_pairs",
    "Pairs of a query and a passage that the cross-encoder scored.",
    registry=REGISTRY,
)
RERANK_QUEUE_SECONDS = Histogram(
    "winnow_rerank_queue_seconds",
    "Seconds that a reranking request waited before its first batch.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
DOCUMENTS_INDEXED = Counter(
    "winnow_documents_indexed",
    "Documents written to the engines, deletions included.",
    registry=REGISTRY,
)
DOCUMENTS_REFUSED = Counter(
    "winnow_documents_refused",
    "Documents that could not be stored or indexed, by the error's slug.",
    ("error",),
    registry=REGISTRY,
)
DOCUMENTS_PENDING = Gauge(
    "winnow_documents_pending",
    "Documents accepted and not yet indexed.",
    ("collection",),
    registry=REGISTRY,
)
INGEST_QUEUED = Gauge(
    "winnow_ingest_queued_tasks",
    "Tasks of ingestion that stand in the broker, as the process that hands out sees it.",
    registry=REGISTRY,
)
INGEST_TASKS = Counter(
    "winnow_ingest_tasks",
    "Tasks of ingestion handed out to workers, by how they ended: done, lost or failed.",
    ("outcome",),
    registry=REGISTRY,
)
INGEST_DEATHS = Counter(
    "winnow_ingest_worker_deaths",
    "Tasks of ingestion that a worker died over: failed attempts at their documents.",
    registry=REGISTRY,
)


def exposition() -> bytes:
    """Every metric in Prometheus' text format."""
    return generate_latest(REGISTRY)
