"""What the body of a submit is, by its first bytes; its Content-Type decides where they may be both.

Browsers, curl and mail programs send tables under many types, also those of JSON, and often under none.
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
_BEGINS_JSON = re.compile(rb"[ \t\r\n]*[{\[]")
_LINE_BEGINS_OBJECT = re.compile(rb"^[ \t]*\{", re.MULTILINE)
_BYTE_ORDER_MARK = re.compile(rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff")
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
    is_rows, is_json = media_type in _ROWS_OF_JSON, _IS_JSON.fullmatch(media_type)
    text = _text_of(head)
    if _BINARY.match(head):
        return BodyKind.TABLE
    if not text:
        is_table = _IS_TABLE.fullmatch(media_type)
        return BodyKind.TABLE if is_table else BodyKind.NDJSON if is_rows else BodyKind.JSON
    # A table has a header and a row: one line that is said to be JSON hears what is wrong with it as JSON.
    may_be_table = not (is_rows or is_json) or len(text.splitlines()) > 1
    has_json = _BEGINS_JSON.match(text) or (is_rows and _LINE_BEGINS_OBJECT.search(text))
    if may_be_table and not has_json:
        return BodyKind.TABLE
    return BodyKind.NDJSON if is_rows or _has_visits_in_lines(head) else BodyKind.JSON


def _text_of(head: bytes) -> bytes:
    """The text of a head without blanks around it, in any of UTF-8 and UTF-16, as far as it is ASCII."""
    begin = _BYTE_ORDER_MARK.match(head)
    return head[begin.end() if begin else 0 :].replace(b"\0", b"").strip()


def _has_visits_in_lines(head: bytes) -> bool:
    """Whether the first line is a visit of its own."""
    first = next((line for line in head.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()), b"")
    try:
        return "store_id" in _OBJECT.decode(first)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def why_unreadable(media_type: str, head: bytes, *, is_file: bool) -> str | None:
    """Why a body, or the file of a form, cannot be what was meant; None if it can."""
    if len(head) < HEAD_BYTES and not _text_of(head):
        return f"the {'file' if is_file else 'body'} is empty"
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
