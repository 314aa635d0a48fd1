"""Takes in a store file: unpacks what HTTP and forms put around it, and keeps it on disk until it is read."""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Any, NamedTuple

from litestar import Request

from retailpulse.api.submit.request_body import BodyBudget, unpacked
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import Busy
from retailpulse.storage.jobs.spool import temporary_file
from retailpulse.web.errors import TooLarge
from retailpulse.web.uploads import Upload

_DISK_TAKES_NOTHING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StoreFile(NamedTuple):
    """A store file that has come as a whole, and the fields of the form in which it came."""

    file: IO[bytes]
    fields: dict[str, str]


class StoreFiles:
    """Keeps store files on disk while they come in and are read, up to a number of bytes of all."""

    def __init__(self, settings: ApiSettings) -> None:
        self.folder = settings.spool_dir or None
        self.most_bytes = settings.max_stores_bytes
        self._on_disk = BodyBudget(settings.spool_bytes)

    @asynccontextmanager
    async def receive(self, request: Request[Any, Any, Any]) -> AsyncIterator[StoreFile]:
        """The file of a request, as long as the block runs; raises InvalidRequest, TooLarge, Busy."""
        encoding = request.headers.get("content-encoding", "")
        body = self._limited(unpacked(self._limited(request.stream()), encoding, self.most_bytes))
        upload = Upload(body, request.headers.get("content-type", ""))
        length = request.headers.get("content-length", "0")
        expected_bytes = min(int(length), self.most_bytes) if length.isdigit() else 0
        async with self.keep(upload.blocks(), expected_bytes) as file:
            yield StoreFile(file, upload.fields)

    @asynccontextmanager
    async def keep(self, blocks: AsyncIterator[bytes], expected_bytes: int) -> AsyncIterator[IO[bytes]]:
        """A file of these bytes, as long as the block runs; raises Busy."""
        with temporary_file(self.folder) as file:
            try:
                async with self._on_disk.spooling(blocks, expected_bytes, file, _ignore):
                    yield file
            except OSError as error:
                if error.errno not in _DISK_TAKES_NOTHING:
                    raise
                raise Busy(
                    "this machine's disk has no room for the store file now; send it again later"
                ) from error

    async def _limited(self, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        size = 0
        async for block in blocks:
            size += len(block)
            if size > self.most_bytes:
                raise TooLarge(f"the store file is larger than {self.most_bytes} bytes; send it in parts")
            yield block


def _ignore(_piece: bytes) -> None:
    """Nobody else wants the bytes."""
