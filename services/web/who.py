"""Who asked, as the audit log names them."""

from fastapi import Request

from services.web.keys import HOLDER


def who_asked(request: Request) -> str:
    """With which key, and from where; the key itself is nowhere written."""
    host = request.client.host if request.client else "unknown"
    if holder := getattr(request.state, HOLDER, ""):
        return f"key of {holder} from {host}"
    with_key = "authorization" in request.headers
    return f"{'admin key' if with_key else 'no key'} from {host}"
