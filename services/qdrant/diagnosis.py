"""How a Qdrant server is."""

import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

import httpx

from services.diagnosis import TIMEOUT_S, Finding, clock, well
from services.errors import BackendUnavailable
from services.qdrant.opening import open_qdrant
from services.settings import Settings

PART = "Qdrant"


async def diagnose(settings: Settings) -> Sequence[Finding]:
    """Version and clock, and whether the way that searches take is open too.

    Raises:
        BackendUnavailable: it does not answer over HTTP, or not over gRPC where that is used.
    """
    store = open_qdrant(settings)
    try:
        await store.ping()
    finally:
        await store.close()
    asked_s = time.time()
    answer = await _root(settings)
    found = [well(PART, f"version {answer.json().get('version', 'unknown')}")]
    date = answer.headers.get("date")
    if date:
        found.append(clock(PART, parsedate_to_datetime(date).timestamp(), asked_s))
    return found


async def _root(settings: Settings) -> httpx.Response:
    key = settings.qdrant_api_key.get_secret_value()
    headers = {"api-key": key} if key else {}
    try:
        async with httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S) as client:
            answer = await client.get(settings.qdrant_url)
            answer.raise_for_status()
            return answer
    except httpx.HTTPError as error:
        raise BackendUnavailable(
            f"Qdrant's HTTP interface does not answer ({error}): check WINNOW_QDRANT_URL and "
            "WINNOW_QDRANT_API_KEY."
        ) from error
