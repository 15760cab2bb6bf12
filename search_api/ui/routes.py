"""The search page's addresses: the page, its files, and the form that takes a key."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response

from search_api.answer import SearchAnswer
from search_api.request import SearchRequest
from search_api.ui.assets import ASSETS
from search_api.ui.page_view import (
    MODES,
    RERANKS,
    answer_view,
    collection_options,
    sort_options,
)
from search_api.ui.rendering import SECURITY_HEADERS, render
from search_api.ui.state import PageState, read_state
from services.collections import Collection
from services.errors import CollectionNotFound, NotFound, TooLarge, Unauthorized, WinnowError

Search = Callable[[str, SearchRequest], Awaitable[SearchAnswer]]
Collections = Callable[[], Awaitable[Sequence[Collection]]]
MaySearch = Callable[[str], Awaitable[bool]]

KEY_COOKIE = "winnow_key"
_MAX_FORM_BYTES = 4_096
_FIRST_SHOWN = "default"


async def _everyone(_key: str) -> bool:
    return True


def router(
    search: Search, collections: Collections, may_search: MaySearch = _everyone
) -> APIRouter:
    """The page's routes.

    Args:
        search: answers a request on a collection by name.
        collections: lists what can be searched.
        may_search: whether a key, "" where the browser holds none, may search.
    """
    routes = APIRouter(include_in_schema=False)
    page = _Page(search, collections, may_search)

    @routes.api_route("/", methods=["GET", "HEAD"])
    async def show(request: Request) -> Response:
        return await page.show(request)

    @routes.post("/key")
    async def take_key(request: Request) -> Response:
        return await page.take_key(request)

    @routes.get("/assets/{name}")
    async def asset(name: str, v: str = "") -> Response:
        return _asset(name, v)

    @routes.get("/favicon.ico")
    async def favicon() -> Response:
        return _asset("favicon.svg", "")

    return routes


class _Page:
    """The page over what it searches."""

    def __init__(self, search: Search, collections: Collections, may_search: MaySearch) -> None:
        self._search = search
        self._collections = collections
        self._may_search = may_search

    async def show(self, request: Request) -> Response:
        """The page, or only what changes on it where a script asks for that."""
        parameters = request.query_params
        state, shown = PageState(), None
        context: dict[str, object] = {"collections": (), "answer": None}
        try:
            await self._check_key(request.cookies.get(KEY_COOKIE, ""))
            state = PageState(query=parameters.get("q", ""))
            state = read_state(parameters.multi_items())
            available = await self._collections()
            state, shown = _choose(available, state)
            context["collections"] = collection_options(available, state)
            context["answer"] = await self._answer(state, shown)
            error = None
        except WinnowError as raised:
            error = raised
        template = "fragment.html" if parameters.get("fragment") == "1" else "page.html"
        context |= _controls(state, shown) | {"error": error}
        headers = {"Retry-After": str(error.retry_after_s)} if error and error.retry_after_s else {}
        return render(template, context, status=error.status if error else 200, headers=headers)

    async def take_key(self, request: Request) -> Response:
        """Keep a valid key in a cookie that no script can read; an empty one forgets it."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _MAX_FORM_BYTES:
                return _error_page(TooLarge("That is longer than any key."))
        key = dict(parse_qsl(body.decode("utf-8", "replace"))).get("key", "").strip()
        if key and not (key.isascii() and await self._may_search(key)):
            return _error_page(Unauthorized("That key is not known here: check it and try again."))
        answer = Response(status_code=303, headers={"Location": "/", **SECURITY_HEADERS})
        if not key:
            answer.delete_cookie(KEY_COOKIE)
            return answer
        secure = request.url.scheme == "https"
        answer.set_cookie(KEY_COOKIE, key, httponly=True, samesite="strict", secure=secure)
        return answer

    async def _answer(self, state: PageState, shown: Collection | None) -> object:
        if shown is None or not state.asks:
            return None
        answer = await self._search(shown.name, state.request(shown.schema))
        return answer_view(answer, state)

    async def _check_key(self, key: str) -> None:
        if not await self._may_search(key):
            raise Unauthorized(
                "The key that this browser holds is no longer valid: enter another."
                if key
                else "Enter the search key to go on."
            )


def _choose(
    available: Sequence[Collection], state: PageState
) -> tuple[PageState, Collection | None]:
    """The collection that a state names, or the one that is shown first."""
    names = {each.name: each for each in available}
    if state.collection and state.collection not in names:
        raise CollectionNotFound(f"There is no collection named '{state.collection[:80]}'.")
    shown = names.get(state.collection or _FIRST_SHOWN) or next(iter(available), None)
    name = shown.name if shown and len(available) > 1 else ""
    return replace(state, collection=name), shown


def _controls(state: PageState, shown: Collection | None) -> dict[str, object]:
    return {
        "state": state,
        "modes": MODES,
        "reranks": RERANKS,
        "sorts": sort_options(shown, state),
        "empty": shown is None,
        "anew": state.url(next=""),
    }


def _error_page(error: WinnowError) -> Response:
    context = {"collections": (), "answer": None, "error": error} | _controls(PageState(), None)
    return render("page.html", context, status=error.status)


def _asset(name: str, version: str) -> Response:
    asset = ASSETS.get(name)
    if asset is None:
        return _error_page(NotFound("There is no such file."))
    current = version == asset.digest
    lasting = "public, max-age=31536000, immutable" if current else "no-cache"
    headers = {"Cache-Control": lasting, "ETag": f'"{asset.digest}"', **SECURITY_HEADERS}
    return Response(asset.content, media_type=asset.media_type, headers=headers)
