"""The worker container's health check: whether this container's worker told the broker it lives.

Ends with 0 where it did within the last seconds, else with 1 and a sentence.
"""

import os
import socket
import sys
from collections.abc import Mapping
from typing import cast

from redis import Redis

from services.celery.codec import decode_heartbeat, decode_ingest_heartbeat
from services.celery.connection import BROKER_ERRORS, INGEST_WORKERS_KEY, WORKERS_KEY

SILENCE_S = 10.0
TIMEOUT_S = 5.0


def main() -> str:
    """What is wrong, or an empty text."""
    broker = Redis.from_url(
        os.environ["WINNOW_BROKER_URL"],
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
    try:
        with broker:
            seconds, microseconds = broker.time()
            reranking = cast("Mapping[bytes, bytes]", broker.hgetall(WORKERS_KEY))
            ingesting = cast("Mapping[bytes, bytes]", broker.hgetall(INGEST_WORKERS_KEY))
    except BROKER_ERRORS as error:
        return f"The broker cannot be reached: {error}"
    now_s = seconds + microseconds / 1e6
    own = f"{socket.gethostname()}:".encode()
    told_s = [
        *(decode_heartbeat(beat).at_s for name, beat in reranking.items() if name.startswith(own)),
        *(
            decode_ingest_heartbeat(beat).at_s
            for name, beat in ingesting.items()
            if name.startswith(own)
        ),
    ]
    ages_s = [now_s - at_s for at_s in told_s]
    if not ages_s:
        return "No worker of this container has told the broker that it lives."
    if min(ages_s) > SILENCE_S:
        return f"The worker of this container was silent for {min(ages_s):.0f} s."
    return ""


if __name__ == "__main__":
    sys.exit(main() or 0)
