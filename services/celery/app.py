"""The Celery application as both sides know it: JSON alone, no results, quick to give up."""

from typing import Any

from celery import Celery

RERANK = "rerank"
RERANK_TASK = "winnow.rerank"
INGEST = "ingest"
INGEST_TASK = "winnow.ingest"

# A publish or a consumer's command on a broker that hangs ends after this.
SOCKET_TIMEOUT_S = 1.0
# kombu drops a consumer's connection whose answer is overdue by about twice this.
_HEALTH_CHECK_S = 3


def queue_name(queue: str) -> str:
    """The list in the broker behind a queue's name on the command line."""
    return f"winnow.{queue}"


def make_app(broker_url: str, **more: Any) -> Celery:
    """A Celery application of its own, none of it shared with others in the process.

    Only JSON is accepted: a pickle planted in the broker would run code.
    """
    app = Celery("winnow", broker=broker_url, set_as_current=False, loader="app")
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry=False,
        broker_connection_timeout=SOCKET_TIMEOUT_S,
        broker_connection_retry_on_startup=True,
        # A Redis that answers errors (it loads its data, is full, became a replica) ends no
        # worker.
        broker_channel_error_retry=True,
        broker_transport_options={
            "socket_timeout": SOCKET_TIMEOUT_S,
            "socket_connect_timeout": SOCKET_TIMEOUT_S,
            "socket_keepalive": True,
            "health_check_interval": _HEALTH_CHECK_S,
            "retry_on_timeout": False,
        },
        **more,
    )
    return app
