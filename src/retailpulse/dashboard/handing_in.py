"""Takes in the file of a form, a file or pasted text, and holds it until it is looked at and sent.

Nothing of a file is in this process but a block; its name is a text to show, never a path.
"""

import re
from collections.abc import AsyncIterator
from uuid import UUID

from litestar import Response
from litestar.response import Redirect

from retailpulse.dashboard.rendering import AnyRequest
from retailpulse.domain.errors import InvalidRequest, NotFound, RetailPulseError
from retailpulse.service import FileKind, HeldFiles
from retailpulse.storage.held_files import HeldFile
from retailpulse.web.caller import key_of
from retailpulse.web.errors import TooLarge
from retailpulse.web.file_reader import HandedIn
from retailpulse.web.rechunk import rechunked
from retailpulse.web.uploads import Upload

PART_BYTES = 1 << 20
FORM_BYTES = 64 * 1024
"""What a form may have around its file."""
DRAINED_TIMES = 2
"""A file that is too large is read on, up to so many times the limit, so that the browser reads why."""
NO_FILE = "There is no file: choose one, or paste its text."
_FOLDERS = re.compile(r".*[/\\]", re.DOTALL)


async def hand_in(
    request: AnyRequest, held_files: HeldFiles, kind: FileKind, limit_bytes: int
) -> tuple[UUID, str]:
    """Holds the file of a request; gives its id and its name, which is empty for pasted text.

    Raises InvalidRequest if there is none, TooLarge, Busy.
    """
    length = request.headers.get("content-length", "")
    expected_bytes = min(int(length), limit_bytes) if length.isdigit() else limit_bytes
    body = _limited(request.stream(), limit_bytes + FORM_BYTES)
    try:
        file_id = await held_files.reserve(kind, owner_of(request), expected_bytes)
    except RetailPulseError:
        async for _ in body:  # a browser that is cut off while it sends would never show why
            pass
        raise
    upload = Upload(body, request.headers.get("content-type", ""))
    size_bytes = await held_files.fill(file_id, _no_more(rechunked(upload.blocks(), PART_BYTES), limit_bytes))
    if size_bytes == 0:
        await held_files.drop(file_id)
        raise InvalidRequest(NO_FILE)
    name = "".join(filter(str.isprintable, _FOLDERS.sub("", upload.file_name or "")))
    await held_files.finish(file_id, name, size_bytes)
    return file_id, name


async def find_held(request: AnyRequest, held_files: HeldFiles, kind: FileKind, file_id: str) -> HeldFile:
    """The file of an address; raises NotFound."""
    try:
        known = UUID(file_id)
    except ValueError:
        raise NotFound(f"there is no file {file_id[:100]!r}") from None
    return await held_files.find(known, kind, owner_of(request))


def handed_in(held_files: HeldFiles, file: HeldFile) -> HandedIn:
    """A file to be read from its beginning."""
    return HandedIn(blocks=held_files.blocks(file.file_id), size_bytes=file.size_bytes)


def owner_of(request: AnyRequest) -> str:
    """Who hands in a file: the id of a key, empty without one."""
    return key_of(request.scope) or ""


def go_on(request: AnyRequest, address: str) -> Response[dict[str, str]] | Redirect:
    """The answer to a file that is held: the page that looks at it, for a script as JSON."""
    if request.headers.get("accept", "").startswith("application/json"):
        return Response({"page": address}, status_code=201, headers={"Cache-Control": "no-store"})
    return Redirect(address, status_code=303)


async def _limited(blocks: AsyncIterator[bytes], limit_bytes: int) -> AsyncIterator[bytes]:
    size_bytes = 0
    async for block in blocks:
        size_bytes += len(block)
        if size_bytes <= limit_bytes:
            yield block
        elif size_bytes > DRAINED_TIMES * limit_bytes:
            break
    if size_bytes > limit_bytes:
        raise _too_large(limit_bytes - FORM_BYTES)


async def _no_more(blocks: AsyncIterator[bytes], limit_bytes: int) -> AsyncIterator[bytes]:
    size_bytes = 0
    async for block in blocks:
        size_bytes += len(block)
        if size_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        yield block


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"the file is larger than {limit_bytes:,} bytes: send it in parts")
