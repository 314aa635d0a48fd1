"""Makes a page from a template: what all pages have around them, and the headers that guard them."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.enums import MediaType

from retailpulse import __version__
from retailpulse.dashboard import charts, words
from retailpulse.dashboard.assets import read_assets
from retailpulse.dashboard.choices import chosen
from retailpulse.domain.api_keys import Scope
from retailpulse.web.caller import api_key_of, may

POLICY = "; ".join(
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
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Vary": "Cookie",
    # With `no-referrer`, browsers would send the forms of a page with `Origin: null`.
    "Referrer-Policy": "same-origin",
}
_DONE = {
    "submit": "The job is sent.",
    "retry": "The failed images are tried again.",
    "cancel": "The job is cancelled.",
    "delete": "The job is deleted.",
    "deleted": "The jobs are deleted.",
    "kept": "Some jobs were deleted; the others go on, or were deleted already.",
    "redeliver": "The callback is sent again.",
    "revoke": "The key is revoked.",
    "callback": "The callback is sent again within moments.",
}
"""What a page says first after an action, by the word in its address."""
_FILTERS = (
    "cause",
    "count",
    "decision",
    "distance",
    "duration",
    "family",
    "flag",
    "rate",
    "share",
    "size",
    "visit_time",
    "wait_reason",
    "when",
)
"""What templates may write values with."""
_TEMPLATES = Path(__file__).parent / "templates"
WAITING = "retailpulse.waiting"
"""Where a request has the count of photos that wait for a decision, as text."""
AnyRequest = Request[Any, Any, Any]


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.globals |= {
        "version": __version__,
        "assets_version": read_assets().version,
        "progress": charts.progress,
        "sparkline": charts.sparkline,
        "state_of": words.state_of,
    }
    for name in _FILTERS:
        found.filters[name] = getattr(words, name)
    return found


def page(request: AnyRequest, template: str, status: int = 200, **values: Any) -> Response[bytes]:
    """A page of this template; `values` are its variables."""
    text = (
        _environment()
        .get_template(template)
        .render(
            path=request.url.path,
            address=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
            theme=chosen(request, "theme"),
            has_keys=chosen(request, "keys") is None,
            done=_DONE.get(request.query_params.get("done", "")),
            signed_in=api_key_of(request.scope),
            may_submit=may(request.scope, Scope.SUBMIT),
            may_review=may(request.scope, Scope.REVIEW),
            waiting=request.scope.get(WAITING),
            may_administer=may(request.scope, Scope.ADMIN),
            **values,
        )
    )
    return Response(text.encode(), status_code=status, media_type=MediaType.HTML, headers=HEADERS)
