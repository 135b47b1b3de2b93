"""The page at ``/``: one file, without a build and without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


@cache
def _page() -> tuple[str, str]:
    """The page, and the policy that lets its own script and style run and nothing else."""
    html = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    digests = {kind: base64.b64encode(hashlib.sha256(code.encode()).digest()) for kind, code in _INLINE.findall(html)}
    own = "; ".join(f"{kind}-src 'sha256-{digest.decode()}'" for kind, digest in digests.items())
    rest = "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return html, f"default-src 'none'; {own}; {rest}"


async def page_response(_: Request) -> Response:
    """The page."""
    html, policy = _page()
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}
    return Response(html, headers=headers, media_type="text/html")
