"""Every setting of the API process that answers: its value, where it comes from, what it means."""

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.config.loading import PREFIX, Setting
from retailpulse.dashboard.rendering import AnyRequest, page


@get("/system/settings", include_in_schema=False)
async def settings_page(
    request: AnyRequest,
    shown_settings: Sequence[Setting],
    only: Annotated[str, QueryParameter(name="only")] = "",
) -> Response[bytes]:
    """All settings by room, or those alone that are no default."""
    is_changed = only == "changed"
    found = [setting for setting in shown_settings if not is_changed or setting.source != "default"]
    rooms = [(room, list(settings)) for room, settings in groupby(found, key=_room)]
    return page(
        request, "settings.html", tab="settings", rooms=rooms, is_changed=is_changed, count=len(found)
    )


def _room(setting: Setting) -> str:
    """The room of a setting, in words: the first part of its name."""
    return setting.variable.removeprefix(PREFIX).partition("_")[0].capitalize()
