"""The theme that a person has chosen by hand, kept in a cookie; without one, pages follow the device."""

from enum import StrEnum
from typing import Any

from litestar import Request, post
from litestar.response import Redirect

from retailpulse.dashboard.forms import FormBody, own_address

COOKIE = "retailpulse_theme"
_KEPT_SECONDS = 365 * 24 * 3_600


class Theme(StrEnum):
    """What can be chosen; a page has it as `data-theme`."""

    LIGHT = "light"
    DARK = "dark"


def theme_of(request: Request[Any, Any, Any]) -> Theme | None:
    """The theme that a request asks for; None: that of the device."""
    chosen = request.cookies.get(COOKIE, "")
    return Theme(chosen) if chosen in set(Theme) else None


@post("/theme", include_in_schema=False, sync_to_thread=False)
def choose_theme(data: FormBody) -> Redirect:
    """Keeps the choice in this browser; any other word than a theme ends it."""
    chosen = data.get("theme", "")
    theme, seconds = (chosen, _KEPT_SECONDS) if chosen in set(Theme) else ("", 0)
    cookie = f"{COOKIE}={theme}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return Redirect(own_address(data.get("to", "/")), status_code=303, headers={"Set-Cookie": cookie})
