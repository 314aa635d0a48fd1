"""A file as a request brings it: its body, or a part of a form (multipart/form-data), as `curl -F` sends it.

Nothing is kept here but a block: what comes out is for the disk. A form is recognised by its first bytes, as
its Content-Type is often wrong.
"""

import re
from collections.abc import AsyncIterator

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from retailpulse.domain.errors import InvalidRequest

MAX_PARTS = 100
MAX_FIELD_BYTES = 64 * 1024
"""Longest text of a field of a form that is no file."""
_HEAD_BYTES = 4096
_FORM = re.compile(
    rb"\s*--([^\r\n]{1,200}?)[ \t]*\r?\n(?:[\w-]+:[^\r\n]*\r?\n)*?content-disposition:", re.IGNORECASE
)


class Upload:
    """The file of a request; its fields and its name are known once `blocks` has ended."""

    def __init__(self, body: AsyncIterator[bytes], content_type: str) -> None:
        self._body = body
        self._content_type = content_type
        self.fields: dict[str, str] = {}
        """The texts of a form, by their names."""
        self.file_name: str | None = None

    async def blocks(self) -> AsyncIterator[bytes]:
        """The bytes of the file; raises InvalidRequest if its form is damaged or has none."""
        head = b""
        async for block in self._body:
            head += block
            if len(head) >= _HEAD_BYTES:
                break
        boundary = self._boundary(head)
        if boundary is None:
            yield head
            async for block in self._body:
                yield block
            return
        try:
            async for block in self._file_of_form(
                PushMultipartParser(boundary, max_segment_count=MAX_PARTS), head
            ):
                yield block
        except (MultipartError, InvalidRequest) as error:
            async for _ in self._body:  # a client that is cut off while it sends would never read why
                pass
            if isinstance(error, InvalidRequest):
                raise
            raise InvalidRequest(f"the form (multipart/form-data) is damaged or cut off: {error}") from None

    def _boundary(self, head: bytes) -> bytes | None:
        found = _FORM.match(head)
        media_type, parameters = parse_options_header(self._content_type)
        if media_type != "multipart/form-data":
            return found[1] if found else None
        if boundary := parameters.get("boundary"):
            return str(boundary).encode("utf-8", "replace")
        if found:
            return found[1]
        if head.lstrip().startswith(b"--"):
            raise InvalidRequest("the form (multipart/form-data) has no boundary in its Content-Type")
        return None

    async def _file_of_form(self, parser: PushMultipartParser, head: bytes) -> AsyncIterator[bytes]:
        reading = _FormReader(self)
        # What stands before the first boundary may be a line end alone; the parser wants it away.
        for piece in reading.feed(parser, head.lstrip()):
            yield piece
        async for block in self._body:
            if parser.closed:
                continue
            for piece in reading.feed(parser, block):
                yield piece
        parser.close()
        if not reading.has_file:
            raise InvalidRequest("the form has no file: send it as curl -F file=@visits.csv does")


class _FormReader:
    """Takes a form apart: fields are kept, the bytes of its one file are handed on."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._part: MultipartSegment | None = None
        self._is_file = False
        self._text = b""
        self.has_file = False

    def feed(self, parser: PushMultipartParser, block: bytes) -> list[bytes]:
        """The bytes of the file that a block of the body holds."""
        found: list[bytes] = []
        if not block:
            return found
        for event in parser.parse(block):
            if isinstance(event, MultipartSegment):
                self._begin(event)
            elif event is None:
                self._end()
            elif self._is_file:
                found.append(bytes(event))
            else:
                self._text += event
                if len(self._text) > MAX_FIELD_BYTES:
                    raise InvalidRequest(f"a field of the form is longer than {MAX_FIELD_BYTES} bytes")
        return found

    def _begin(self, part: MultipartSegment) -> None:
        self._part, self._text = part, b""
        # A file is what has a name, also an empty one; `file` is one by what it is called.
        self._is_file = part.filename is not None or part.name == "file"
        if not self._is_file:
            return
        if self.has_file:
            raise InvalidRequest("the form has more than one file: send one at a time")
        self.has_file = True
        self._upload.file_name = part.filename or None

    def _end(self) -> None:
        if self._part is not None and not self._is_file:
            self._upload.fields[self._part.name or ""] = self._text.decode("utf-8", "replace")
