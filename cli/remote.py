"""A running server as a backend."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

import httpx

from cli.backend import Indexed, JsonObject, Stored
from cli.consistency_backend import RemoteConsistency
from cli.generation_backend import RemoteGenerations
from cli.key_backend import RemoteKeys
from indexer.draft import Draft
from indexer.outcomes import OnProgress, Progress
from search_api.answer import SearchAnswer
from search_api.request import SearchRequest
from services.collections import FieldType
from services.documents import encode_value
from services.errors import (
    AlreadyExists,
    BackendUnavailable,
    CollectionNotFound,
    DeadlineExceeded,
    DocumentNotFound,
    ModelUnavailable,
    SchemaConflict,
    TooLarge,
    WinnowError,
)
from services.settings import Settings
from services.web.keys import is_loopback
from services.web.problem_types import error_of

CONNECT_S = 5.0
INDEXING_S = 600.0
_POLL_S = 0.2


@asynccontextmanager
async def open_remote(url: str, settings: Settings) -> AsyncIterator["Remote"]:
    """A client of the server at ``url``, with the key of the settings."""
    held = (settings.key, settings.admin_key, settings.search_key)
    key = next((each.get_secret_value() for each in held if each.get_secret_value()), "")
    async with httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=httpx.Timeout(INDEXING_S + 60.0, connect=CONNECT_S),
        # A proxy of the environment would look for this machine's server on its own machine.
        trust_env=not is_loopback(urlsplit(url).hostname or ""),
    ) as client:
        yield Remote(client)


class Remote:
    """What is stored is indexed by the server before a write returns."""

    keeps_pages: ClassVar[bool] = True

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._dates: dict[str, set[str]] = {}

    @property
    def consistency(self) -> RemoteConsistency:
        """See :class:`cli.backend.Backend`."""
        return RemoteConsistency(self._ask, self._download)

    @property
    def generations(self) -> RemoteGenerations:
        """See :class:`cli.backend.Backend`."""
        return RemoteGenerations(self._ask)

    @property
    def keys(self) -> RemoteKeys:
        """See :class:`cli.backend.Backend`."""
        return RemoteKeys(self._ask)

    async def search(self, collection: str, request: SearchRequest) -> SearchAnswer:
        """See :class:`cli.backend.Backend`."""
        body = request.model_dump(mode="json", exclude_unset=True)
        return SearchAnswer.model_validate(
            await self._ask("POST", f"{_path(collection)}/search", json=body)
        )

    async def put(self, collection: str, drafts: Sequence[Draft]) -> Stored:
        """See :class:`cli.backend.Backend`."""
        await self._declare_dates(collection, drafts)
        lines = [_line(draft) for draft in drafts]
        return await self._write(collection, [draft.id for draft in drafts], lines)

    async def delete(self, collection: str, ids: Sequence[str]) -> Stored:
        """See :class:`cli.backend.Backend`."""
        return await self._write(collection, ids, [_encoded({"delete": each}) for each in ids])

    async def index(self, collection: str, progress: OnProgress) -> Indexed:
        """See :class:`cli.backend.Backend`; writes have waited for their own, not for others'."""
        started_s = time.monotonic()
        waiting = total = (await self.collection(collection))["pending"]
        while waiting:
            await asyncio.sleep(_POLL_S)
            waiting = (await self.collection(collection))["pending"]
            total = max(total, waiting)
            progress(Progress(total - waiting, total, 0, time.monotonic() - started_s))
            if time.monotonic() - started_s > INDEXING_S:
                raise DeadlineExceeded(f"{waiting} documents are stored and not indexed yet.")
        return Indexed(total, 0)

    async def document(self, collection: str, identifier: str) -> JsonObject:
        """See :class:`cli.backend.Backend`."""
        # Dots are quoted too, or clients and proxies would take "a/../b" for "b".
        name = quote(identifier, safe="", errors="surrogatepass").replace(".", "%2E")
        if not name:
            raise DocumentNotFound("A document's id is not empty.")
        return await self._ask("GET", f"{_path(collection)}/documents/{name}")

    async def documents(
        self, collection: str, after: str, limit: int, prefix: str
    ) -> Sequence[JsonObject]:
        """See :class:`cli.backend.Backend`."""
        await self.collection(collection)
        parameters = {"after": after, "limit": str(limit), "prefix": prefix}
        answer = await self._ask("GET", f"{_path(collection)}/documents", params=parameters)
        found: list[JsonObject] = answer["documents"]
        return found

    async def collections(self) -> Sequence[JsonObject]:
        """See :class:`cli.backend.Backend`."""
        found: list[JsonObject] = (await self._ask("GET", "/v1/collections"))["collections"]
        return found

    async def collection(self, name: str) -> JsonObject:
        """See :class:`cli.backend.Backend`."""
        return await self._ask("GET", _path(name))

    async def create_collection(
        self, name: str, schema: Mapping[str, str], language: str
    ) -> JsonObject:
        """See :class:`cli.backend.Backend`."""
        try:
            await self.collection(name)
        except CollectionNotFound:
            body = {"schema": dict(schema), "language": language}
            return await self._ask("PUT", _path(name), json=body)
        raise AlreadyExists(f"There is a collection '{name}' already.")

    async def ensure_collection(self, name: str) -> None:
        """See :class:`cli.backend.Backend`."""
        await self._ask("PUT", _path(name), json={})

    async def delete_collection(self, name: str) -> None:
        """See :class:`cli.backend.Backend`."""
        await self._ask("DELETE", _path(name))

    async def doctor(self) -> JsonObject:
        """What the server finds where it stands; see :mod:`cli.doctor`."""
        return await self._ask("GET", "/v1/admin/doctor")

    async def _declare_dates(self, collection: str, drafts: Iterable[Draft]) -> None:
        """Declare the keys that hold dates: in JSON they would pass for keywords."""
        known = self._dates.setdefault(collection, set())
        for key in {key for draft in drafts for key in _date_keys(draft)} - known:
            try:
                body = {"schema": {key: FieldType.DATE}}
                await self._ask("PUT", _path(collection), json=body)
            except SchemaConflict:
                continue  # the key holds something else, and each document is judged by that
            finally:
                known.add(key)

    async def _write(self, collection: str, ids: Sequence[str], lines: Sequence[bytes]) -> Stored:
        """Send lines and wait until they are indexed; halved where they are too much at once."""
        try:
            answer = await self._ask(
                "POST",
                f"{_path(collection)}/documents",
                params={"wait": "true", "timeout_s": str(INDEXING_S)},
                content=b"".join(lines),
                headers={"Content-Type": "application/x-ndjson"},
            )
        except TooLarge as error:
            if len(lines) == 1:
                return Stored(0, 0, [(ids[0], error.detail)])
            middle = len(lines) // 2
            first = await self._write(collection, ids[:middle], lines[:middle])
            second = await self._write(collection, ids[middle:], lines[middle:])
            return Stored(
                first.changed + second.changed,
                first.unchanged + second.unchanged,
                [*first.refused, *second.refused],
            )
        if not answer["searchable"] and answer["reason"]:
            raise ModelUnavailable(answer["reason"])
        refused = [(_name(each, ids), each["detail"]) for each in answer["refused"]]
        return Stored(answer["accepted"] + answer["deleted"], answer["unchanged"], refused)

    async def _ask(self, method: str, path: str, **more: Any) -> JsonObject:
        """A request's JSON, or the error that the server's problem stands for."""
        try:
            answer = await self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise self._silent(error) from error
        if answer.is_success:
            content: JsonObject = answer.json() if answer.content else {}
            return content
        raise _error(answer)

    async def _download(self, method: str, path: str, **more: Any) -> AsyncIterator[bytes]:
        """A request's bytes as they come, or the error that the server's problem stands for."""
        try:
            async with self._client.stream(method, path, **more) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise _error(answer)
                async for part in answer.aiter_raw():
                    yield part
        except httpx.HTTPError as error:
            raise self._silent(error) from error

    def _silent(self, error: httpx.HTTPError) -> BackendUnavailable:
        return BackendUnavailable(
            f"No Winnow answers at {self._client.base_url}: "
            f"{str(error) or type(error).__name__}. Start one with 'winnow serve', or leave "
            "--server and WINNOW_SERVER out."
        )


def _error(answer: httpx.Response) -> WinnowError:
    try:
        return error_of(answer.json())
    except (ValueError, KeyError, TypeError):
        return BackendUnavailable(
            f"{answer.url.host} answered {answer.status_code} {answer.reason_phrase}, "
            "not as a Winnow does."
        )


def _path(collection: str) -> str:
    return f"/v1/collections/{quote(collection, safe='')}"


def _line(draft: Draft) -> bytes:
    content = {
        "id": draft.id,
        "text": draft.text,
        "title": draft.title,
        "url": draft.url,
        "language": draft.language,
        "metadata": draft.metadata,
        "principals": draft.principals,
        "outline": [asdict(heading) for heading in draft.outline],
    }
    return _encoded({key: value for key, value in content.items() if value})


def _encoded(content: object) -> bytes:
    """One NDJSON line; what is no Unicode stays so, and the server refuses that line alone."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=_json_date)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _json_date(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return encode_value(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _date_keys(draft: Draft) -> Iterable[str]:
    for key, value in draft.metadata.items():
        first = value[0] if isinstance(value, (list, tuple)) and value else value
        if isinstance(first, date):
            yield key


def _name(refused: Mapping[str, Any], ids: Sequence[str]) -> str:
    """The id of a refused line, which the server may not have been able to read."""
    line = refused.get("line")
    return str(refused["id"] or (ids[line - 1] if line else ""))
