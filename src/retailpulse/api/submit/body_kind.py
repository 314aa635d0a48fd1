"""What the body of a submit is: by its Content-Type where that says it plainly, and else by its first bytes.

Browsers, curl and mail programs send tables under many types, and often under none.
"""

import re
from collections.abc import AsyncIterator
from enum import StrEnum

import msgspec

HEAD_BYTES = 64 * 1024
"""So much is looked at."""
_ROWS_OF_JSON = {
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/json-lines",
}
_BINARY = re.compile(rb"PK\x03\x04|PK\x05\x06|PAR1|\x1f\x8b|\xd0\xcf\x11\xe0")
_BEGINS_JSON = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*[{\[]")
_IS_JSON = re.compile(r"application/(?:[\w.-]+\+)?json|text/json")
_IS_TABLE = re.compile(
    r"text/(?:csv|tab-separated-values|comma-separated-values|x-csv)|application/(?:csv|x-csv|vnd\.\w.*)"
)
_FORM = "application/x-www-form-urlencoded"
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class BodyKind(StrEnum):
    """How a body is read."""

    JSON = "json"
    NDJSON = "ndjson"
    TABLE = "table"


def kind_of(media_type: str, head: bytes) -> BodyKind:
    """The kind of a body with this Content-Type, without its parameters, that begins so."""
    media_type = media_type.strip().lower()
    if media_type in _ROWS_OF_JSON:
        return BodyKind.NDJSON
    if _BINARY.match(head):
        return BodyKind.TABLE
    if _BEGINS_JSON.match(head):
        return BodyKind.NDJSON if _has_visits_in_lines(head) else BodyKind.JSON
    if _IS_JSON.fullmatch(media_type):
        return BodyKind.JSON
    is_table = head.strip() or _IS_TABLE.fullmatch(media_type)
    return BodyKind.TABLE if is_table else BodyKind.JSON


def _has_visits_in_lines(head: bytes) -> bool:
    """Whether the first line is a visit of its own."""
    first = next((line for line in head.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()), b"")
    try:
        return "store_id" in _OBJECT.decode(first)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def why_no_table(media_type: str, head: bytes) -> str | None:
    """Why a body cannot be the table that was meant; None if it can."""
    if media_type.strip().lower() == _FORM and b"\n" not in head and b"\r" not in head and head[:4].isalnum():
        return "the body is one line, and no JSON: curl -d drops line breaks; send a file with --data-binary"
    return None


async def read_head(blocks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The beginning of a body, and all of it."""
    head = b""
    async for block in blocks:
        head += block
        if len(head) >= HEAD_BYTES:
            break
    return head, _chain(head, blocks)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for block in rest:
        yield block
