"""Templates to responses, with the headers that keep a page of strangers' texts safe."""

from collections.abc import Mapping
from pathlib import Path

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from search_api.ui.assets import ASSETS

# No inline script or style, nothing from elsewhere, no frames around the page.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": browsers would then send the key form with "Origin: null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals["assets"] = ASSETS


def render(
    template: str,
    context: Mapping[str, object],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Fill a template; every value in it is escaped.

    A lone surrogate, which no encoding of the web can carry, becomes a question mark.
    """
    html = _ENVIRONMENT.get_template(template).render(context)
    return Response(
        html.encode("utf-8", "replace"),
        status_code=status,
        media_type="text/html",
        headers={"Cache-Control": "private, no-cache", **SECURITY_HEADERS, **(headers or {})},
    )
