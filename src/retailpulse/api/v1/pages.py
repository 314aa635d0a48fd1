"""Pagination: what a page of a list looks like, the cursor where one begins, and the link to the next.

A cursor is a position in the order of reading, so that rows which come or go between two pages shift
nothing. Its checksum detects a damaged cursor, or one of another list. It is no secret:
a client that makes one up only chooses where to begin to read what it may read anyway.
"""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from litestar import Request, Response
from litestar.params import Parameter
from msgspec import Meta

from retailpulse.api.v1.parameter_objects import ParameterObject
from retailpulse.domain.errors import NotFound

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100
MAX_CURSOR_CHARACTERS = 4_000
_CHECK_BYTES = 6
_OURS = frozenset({"cursor", "limit"})

Limit = Annotated[int, Parameter(ge=1, le=MAX_LIMIT, description="Most items of the page.")]
CursorText = Annotated[
    str | None,
    Parameter(description="The beginning of the page, from the `next` of the page before it; opaque."),
]
RowNumber = Annotated[int, Meta(ge=0, lt=2**31)]
"""A number of a row as positions hold it: what the database's `integer` takes."""

Item = TypeVar("Item")
Position = TypeVar("Position")


ReadPage = Callable[..., Awaitable[tuple[Sequence[Item], Position | None]]]
"""Reads at most `limit` rows that come `after` a position; gives the position of the next page, if any."""


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """One page of a list."""

    items: Annotated[list[Item], Meta(description="What the page holds, in the order of the list.")]
    next: Annotated[
        str | None,
        Meta(
            description="The path and query of the next page, with the same filters; null on the last one.",
            examples=["/api/v1/jobs?cursor=rQf3hO4xWyIyMDI2Il0&limit=100"],
        ),
    ]


class Cursors(Generic[Position]):
    """Writes and reads the cursors of one list; `list_name` keeps those of other lists out."""

    def __init__(self, list_name: str, position_type: type[Position]) -> None:
        self.list_name = list_name
        self._person = list_name.encode()[: hashlib.blake2b.PERSON_SIZE]
        self._decoder = msgspec.json.Decoder(position_type)

    def write(self, position: Position) -> str:
        """A position as a text that may stand in a URL as it is."""
        payload = msgspec.json.encode(position)
        return urlsafe_b64encode(self._check(payload) + payload).rstrip(b"=").decode()

    def read(self, text: str | None) -> Position | None:
        """The position in a cursor, None for none; raises NotFound if it is not of this list."""
        if not text:  # a form that is sent as it stands has an empty one
            return None
        try:
            content = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            check, payload = content[:_CHECK_BYTES], content[_CHECK_BYTES:]
            position = self._decoder.decode(payload)
            is_ours = len(text) <= MAX_CURSOR_CHARACTERS and check == self._check(payload)
            if is_ours and b"\\u0000" not in payload and self.write(position) == text:
                return position
        except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
        raise NotFound(f"cursor: {text[:100]!r} is no cursor of this list; follow the `next` of a page")

    def _check(self, payload: bytes) -> bytes:
        return hashlib.blake2b(payload, digest_size=_CHECK_BYTES, person=self._person).digest()


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest(ParameterObject):
    """Which page of a list a request asks for."""

    request: Request[Any, Any, Any]
    cursor: CursorText = None
    limit: Limit = DEFAULT_LIMIT

    async def answer(
        self,
        cursors: Cursors[Position],
        read: ReadPage[Item, Position],
        shown: Callable[[Item], Any] | None = None,
    ) -> Response[Any]:
        """The answer with the page, as `page` reads it."""
        page = await self.page(cursors, read, shown)
        return Response(page, headers=link_header(page.next))

    async def page(
        self,
        cursors: Cursors[Position],
        read: ReadPage[Item, Position],
        shown: Callable[[Item], Any] | None = None,
    ) -> Page[Any]:
        """The page, each row as `shown` makes it; raises NotFound if the cursor is not of this list."""
        rows, following = await read(after=cursors.read(self.cursor), limit=self.limit)
        items = list(rows if shown is None else map(shown, rows))
        return Page(items=items, next=self.link(write_cursor(cursors, following)))

    def link(self, cursor: str | None) -> str | None:
        """The path and query of the page that begins at a cursor, with the filters of this request."""
        if cursor is None:
            return None
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name not in _OURS]
        query = urlencode([*kept, ("cursor", cursor), ("limit", self.limit)])
        return f"{quote(self.request.url.path)}?{query}"


def write_cursor(cursors: Cursors[Position], position: Position | None) -> str | None:
    """The cursor of a position; None for none."""
    return None if position is None else cursors.write(position)


def link_header(following: str | None) -> dict[str, str]:
    """The header of RFC 8288 that says where the next page is; none on the last one."""
    return {"Link": f'<{following}>; rel="next"'} if following else {}
