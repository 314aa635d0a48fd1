"""What a person has chosen for this browser, kept in cookies: the theme, and that keys do nothing."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, post
from litestar.response import Redirect

from retailpulse.dashboard.forms import FormBody, own_address
from retailpulse.domain.errors import NotFound

CHOICES: Mapping[str, frozenset[str]] = {"theme": frozenset({"light", "dark"}), "keys": frozenset({"off"})}
"""What can be chosen, by its name; without a choice, pages follow the device, and keys act."""
_KEPT_SECONDS = 365 * 24 * 3_600


def chosen(request: Request[Any, Any, Any], name: str) -> str | None:
    """What the browser of a request has chosen, or None."""
    value = request.cookies.get(_cookie(name), "")
    return value if value in CHOICES[name] else None


@post("/choices/{name:str}", include_in_schema=False, sync_to_thread=False)
def choose(name: str, data: FormBody) -> Redirect:
    """Keeps a choice in this browser; any word that is none ends it."""
    if name not in CHOICES:
        raise NotFound(f"there is no choice of {name[:100]!r}")
    wanted = data.get("chosen", "")
    value, seconds = (wanted, _KEPT_SECONDS) if wanted in CHOICES[name] else ("", 0)
    cookie = f"{_cookie(name)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return Redirect(own_address(data.get("to", "/")), status_code=303, headers={"Set-Cookie": cookie})


def _cookie(name: str) -> str:
    return f"retailpulse_{name}"
