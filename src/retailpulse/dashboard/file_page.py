"""A page that is given files of a kind: who may see it, its form, a file handed in and found again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from litestar import Response
from litestar.response import Redirect

from retailpulse.config.settings import ApiSettings
from retailpulse.dashboard.handing_in import find_held, go_on, hand_in
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.dashboard.scope_page import without_scope
from retailpulse.domain.api_keys import Scope
from retailpulse.domain.errors import InvalidRequest
from retailpulse.service import FileKind, HeldFiles
from retailpulse.storage.held_files import HeldFile
from retailpulse.web.error_responses import status_of
from retailpulse.web.file_reader import Said

SMALL_FORM_BYTES = 256 * 1024
"""Most bytes of a form without a file."""


def _no_query(_name: str) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePage:
    """What differs from one such page to the other.

    `what` says what a key with the scope may do there; `most_bytes` is the limit that the API has for such
    a file; `query_of` makes of the name of a file what the address of the look at it begins with.
    """

    kind: FileKind
    address: str
    template: str
    needed: Scope
    what: str
    sample: Callable[[], str]
    most_bytes: Callable[[ApiSettings], int]
    query_of: Callable[[str], Mapping[str, str]] = _no_query

    def refuse(self, request: AnyRequest) -> Response[bytes] | None:
        """The page for a key that lacks the scope, None for others."""
        return without_scope(request, self.needed, self.what)

    def form(self, request: AnyRequest, settings: ApiSettings, *, with_sample: bool) -> Response[bytes]:
        """The form that is given a file or a text."""
        return self.refuse(request) or self._form(
            request, settings, text=self.sample() if with_sample else ""
        )

    async def hold(
        self, request: AnyRequest, held_files: HeldFiles, settings: ApiSettings
    ) -> Response[Any] | Redirect:
        """Holds a file, and goes on to the look at it; or the form that says why it cannot be."""
        try:
            file_id, name = await hand_in(request, held_files, self.kind, self._limit_bytes(settings))
        except InvalidRequest as error:
            return self._form(request, settings, error=str(error), status=status_of(error))
        query = urlencode(self.query_of(name))
        return go_on(request, f"{self.address}/{file_id}" + (f"?{query}" if query else ""))

    async def find(self, request: AnyRequest, held_files: HeldFiles, file_id: str) -> HeldFile:
        """The file of an address; raises NotFound."""
        return await find_held(request, held_files, self.kind, file_id)

    def back(self, file: HeldFile, said: Said = ()) -> Redirect:
        """The way back to the look at a file, with what was said of it."""
        query = f"?{urlencode(said)}" if said else ""
        return Redirect(f"{self.address}/{file.file_id}{query}", status_code=303)

    def _limit_bytes(self, settings: ApiSettings) -> int:
        """How large a file may be: as the API has it, and as all that pages hold."""
        return min(self.most_bytes(settings), settings.held_bytes)

    def _form(
        self,
        request: AnyRequest,
        settings: ApiSettings,
        *,
        text: str = "",
        error: str = "",
        status: int = 200,
    ) -> Response[bytes]:
        return page(
            request,
            self.template,
            status=status,
            text=text,
            error=error,
            most_bytes=self._limit_bytes(settings),
            most_images=settings.max_images_per_job,
        )
