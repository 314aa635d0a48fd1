"""The check of the whole database, begun by a button: how far it is, what it found, and when."""

from litestar import Response, get, post
from litestar.response import Redirect

from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.service import Checks
from retailpulse.service.checks import MOST_SECONDS
from retailpulse.web.caller import key_name_of


@get("/system/check", include_in_schema=False)
async def check_page(request: AnyRequest, checks: Checks) -> Response[bytes]:
    """The last check, and those before it."""
    found = await checks.latest()
    running = found[0] if found and found[0].is_running else None
    ended = found[1:] if running else found
    share = round(100 * running.done / running.total) if running else 0
    return page(
        request,
        "check.html",
        tab="check",
        running=running,
        share=share,
        last=ended[0] if ended else None,
        earlier=ended[1:],
        most_minutes=round(MOST_SECONDS / 60),
    )


@post("/system/check", include_in_schema=False)
async def start_check(request: AnyRequest, checks: Checks) -> Redirect:
    """Begins a check; then its page, which shows how far it is."""
    await checks.start(key_name_of(request.scope) or "")
    return Redirect("/system/check", status_code=303)
