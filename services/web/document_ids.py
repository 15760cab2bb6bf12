"""Document ids in URLs: any characters, slashes and line breaks among them.

A route names one as ``{id:document_id}`` and depends on :func:`document_id`.
"""

from typing import Annotated
from urllib.parse import unquote_to_bytes

from fastapi import Path, Request
from starlette.convertors import PathConvertor, register_url_convertor

from services.documents import check_id
from services.errors import InvalidId


class _AnyCharacters(PathConvertor):
    """Starlette's ``path`` stops at a line break and would find another document."""

    regex = "[\\s\\S]*"


register_url_convertor("document_id", _AnyCharacters())


async def document_id(
    request: Request,
    identifier: Annotated[
        str, Path(alias="id", description="Percent-encoded; slashes may stand as they are.")
    ],
) -> str:
    """The id of the path, percent-decoded once.

    Servers replace what is not UTF-8, and an id must not become another one on its way.
    """
    try:
        unquote_to_bytes(request.scope.get("raw_path") or b"").decode()
    except UnicodeDecodeError:
        raise InvalidId("The id in the URL is not percent-encoded UTF-8.") from None
    return check_id(identifier)
