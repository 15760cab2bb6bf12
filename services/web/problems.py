"""Every error as RFC 9457 problem details (https://www.rfc-editor.org/rfc/rfc9457)."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.errors import InvalidInput, NotFound, Unauthorized, WinnowError
from services.web.problem_types import problem_types

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger("winnow.web")


class MethodNotAllowed(InvalidInput):
    """The path exists, but not for this method."""

    slug = "method-not-allowed"
    title = "This path does not take that method"
    status = 405


def problem(error: WinnowError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error of the tree as an answer, with Retry-After and WWW-Authenticate where due."""
    own = dict(headers or {})
    if error.retry_after_s is not None:
        own["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthorized):
        own["WWW-Authenticate"] = 'Bearer realm="winnow"'
    return _answer(error.slug, error.title, error.status, error.detail, own)


def install_problems(app: FastAPI) -> None:
    """Render what FastAPI and Starlette raise as problems, and describe the types.

    Errors of the tree, and bugs, are the business of :class:`ProblemMiddleware`.
    """

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return _validation_problem(error.errors())

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, WinnowError):  # the body's limit, raised while reading it
            return problem(error.__cause__)
        return _http_problem(request, error)

    @app.get("/problems/{slug}", include_in_schema=False)
    async def describe(slug: str) -> dict[str, object]:
        kind = problem_types().get(slug)
        if kind is None:
            raise NotFound(f"No problem is called {slug[:80]!r}.")
        return {
            "type": f"/problems/{slug}",
            "title": kind.title,
            "status": kind.status,
            "description": " ".join((kind.__doc__ or "").split("\n\n", maxsplit=1)[0].split()),
        }


class ProblemMiddleware:
    """Answers errors that leave the application; a bug's details go to the log alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except WinnowError as error:
            answer = problem(error)
        except Exception:  # noqa: BLE001  # the last line of defence: logged, then answered
            answer = _unexpected(scope)
        else:
            return
        if not begun:  # else the connection just ends: half an answer cannot be taken back
            await answer(scope, receive, send)


def _unexpected(scope: Scope) -> JSONResponse:
    incident = uuid.uuid4().hex[:12]
    _log.exception("Incident %s: %s %s failed", incident, scope["method"], scope["path"])
    detail = f"An unexpected error; the server's log has the details under {incident}."
    kind = WinnowError
    return _answer(kind.slug, kind.title, kind.status, detail, {}, incident=incident)


def _validation_problem(faults: Sequence[Mapping[str, Any]]) -> JSONResponse:
    errors = [{"field": _field(fault["loc"]), "detail": _sentence(fault)} for fault in faults[:20]]
    detail = " ".join(
        f"'{error['field']}': {error['detail']}" if error["field"] else error["detail"]
        for error in errors[:3]
    )
    kind = InvalidInput
    return _answer(kind.slug, kind.title, kind.status, detail, {}, errors=errors)


def _field(location: Sequence[object]) -> str:
    """The path of a faulty field without the part of the request that it stands in."""
    parts = location[1:] if location and location[0] in ("body", "query", "path") else location
    return ".".join(str(part)[:80] for part in parts if not isinstance(part, int))


def _sentence(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "json_invalid":
        return f"The body is not JSON: {fault['ctx']['error']} (character {fault['loc'][-1]})."
    text = str(fault["msg"]).removeprefix("Value error, ")
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _http_problem(request: Request, error: HTTPException) -> JSONResponse:
    path = request.url.path[:200]
    match error.status_code:
        case 404:
            return problem(NotFound(f"Nothing is at {path}; /openapi.json lists what there is."))
        case 405:
            allowed = (error.headers or {}).get("Allow", "")
            detail = f"{request.method} does not work on {path}; {allowed or 'see /openapi.json'}."
            return problem(MethodNotAllowed(detail), error.headers)
        case 400:
            return problem(InvalidInput(_unreadable(error.__cause__)))
    title = HTTPStatus(error.status_code).phrase
    return _answer("http", title, error.status_code, str(error.detail), error.headers or {})


def _unreadable(cause: BaseException | None) -> str:
    match cause:
        case RecursionError():
            return "The body nests too deeply."
        case UnicodeDecodeError():
            return "The body is not UTF-8."
    return "The body could not be read: send JSON in UTF-8."


def _answer(
    slug: str, title: str, status: int, detail: str, headers: Mapping[str, str], **more: object
) -> JSONResponse:
    # What a message quotes of a request may hold lone surrogates, which no answer can.
    detail = detail.encode("utf-8", "replace").decode()
    content = {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail}
    return JSONResponse(
        content | more, status_code=status, headers=dict(headers), media_type=MEDIA_TYPE
    )
