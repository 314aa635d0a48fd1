"""Batches of results, each with a little more of what is known of photos, and what writing these costs."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from retailpulse.domain.fingerprints import MAX_HASHES, Part, build
from retailpulse.domain.flags import Flag
from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Format, Header, Outcome
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.measure import make_measurement
from retailpulse.schema import ImageResult, Measurement, Thumbnail
from retailpulse.storage.jobs import store_counts
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results import thumbnails
from retailpulse.storage.results.settle import settle

CASES = ("header and SHA-256", "numbers", "EXIF", "fingerprint", "flags", "thumbnail", "review pictures")
"""What results hold: each case has what those before it have, too."""
_HEADER = Header(format=Format.JPEG, width=4032, height=3024, displayed_width=4032, displayed_height=3024)
_NUMBERS = {
    "sharpness": 0.84, "brightness": 91.3, "brightness_p5": 12, "brightness_p50": 84, "brightness_p95": 201,
    "brightness_p99": 238, "contrast": 214, "blown": 0.004, "content": 0.97,
}  # fmt: skip
_EXIF = {
    "taken_at": "2026-11-20T10:31:07+05:30", "latitude": 23.0301, "longitude": 72.5801,
    "camera_make": "HMD Global", "camera_model": "Nokia 8.3 5G",
}  # fmt: skip
_FACTS: tuple[dict[str, Any], ...] = ({}, _NUMBERS, _EXIF)
_HASHES = 4
_PICTURES = ((ThumbnailKind.THUMBNAIL, 16_000), (ThumbnailKind.REVIEW, 95_000))
"""The bytes that pictures of 12 MP have (docs/photo-truth.md)."""
_FLAGGED = 25
"""One of so many photos is flagged, and has a picture for review."""
STORES = 300
"""Stores of a job whose results are counted in the rows of theirs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a batch cost, in milliseconds: CPU time of PostgreSQL and of the worker, and by the clock.

    `pictures` is what was spent before the transaction of the settle, of all three.
    """

    server: float
    worker: float
    clock: float
    pictures: tuple[float, float, float]


class Sources:
    """Facts of photos, no two of which are alike."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def sha256(self) -> str:
        """That of another file."""
        return self._dice.randbytes(32).hex()

    def photos(self, case: str, count: int) -> list[Measurement]:
        """What a worker has measured of so many photos."""
        return [self._photo(case, is_flagged=number % _FLAGGED == 0) for number in range(count)]

    def _photo(self, case: str, *, is_flagged: bool) -> Measurement:
        known = CASES.index(case)
        made = make_measurement(_HEADER, size_bytes=2_508_113, sha256=self.sha256())
        facts: dict[str, Any] = {}
        for part in _FACTS[: known + 1]:
            facts |= part
        if known >= CASES.index("fingerprint"):
            facts["fingerprint"] = self._fingerprint()
        if is_flagged and known >= CASES.index("flags"):
            facts["flags"] = [Flag.DARK]
        pictures = _PICTURES[: max(0, known - CASES.index("flags"))][: 2 if is_flagged else 1]
        facts["thumbnails"] = tuple(
            Thumbnail(kind=kind, width=kind.most_pixels, height=240, jpeg=self._dice.randbytes(size))
            for kind, size in pictures
        )
        return msgspec.structs.replace(made, **facts)

    def _fingerprint(self) -> bytes:
        assert _HASHES <= MAX_HASHES
        whole, *inner = [self._dice.randbytes(32) for _ in range(_HASHES)]
        parts = [(Part.KEPT | Part.EXACT, digest) for digest in inner]
        return build([(Part.KEPT | Part.ASKED, whole), *parts])


async def batch(
    connection: Connection, photos: Sequence[Measurement], *, store: str = "S1", stores: int = 1
) -> list[ImageResult]:
    """The results of a new job of these photos, in stores of this name near to where they were taken."""
    job_id = new_job_id()
    async with connection.transaction():
        await _submit(connection, job_id, len(photos), store, stores)
    return [
        ImageResult(job_id=job_id, image_no=number, outcome=Outcome.MEASURED, measurement=photo, tries=1)
        for number, photo in enumerate(photos, 1)
    ]


async def _submit(connection: Connection, job_id: UUID, images: int, store: str, stores: int) -> None:
    await connection.execute(
        "INSERT INTO stores (store_id, area_code, store_name, latitude, longitude)"
        " SELECT %s || '-' || n, '1', 'S', 23.03, 72.58 FROM generate_series(0, %s - 1) n"
        " ON CONFLICT DO NOTHING",
        [store, stores],
    )
    await connection.execute(
        "INSERT INTO jobs (job_id, status, depth, images) VALUES (%s, 'ongoing', 'decode', %s)",
        [job_id, images],
    )
    # A visit of three photos each, at the time and the place at which these were taken.
    await connection.execute(
        "INSERT INTO visits SELECT %s, n, %s || '-' || n %% %s, true, '2026-11-20T10:30:00+05:30',"
        " '2026-11-20T10:30:00+05:30', 3 * n - 2, 3 FROM generate_series(1, %s) n",
        [job_id, store, stores, images // 3 + 1],
    )
    await connection.execute(
        "INSERT INTO images SELECT %s, n, (n + 2) / 3, 'http://photos.example/' || n"
        " FROM generate_series(1, %s) n",
        [job_id, images],
    )
    await store_counts.insert(connection, job_id)


async def write(connection: Connection, results: Sequence[ImageResult], postmaster: int) -> Spent:
    """Writes a batch as a worker does."""
    begin = _now(postmaster)
    async with connection.transaction():
        await thumbnails.insert(connection, results)
    middle = _now(postmaster)
    async with connection.transaction():
        assert await settle(connection, results) == len(results)
    end = _now(postmaster)
    before = [1e3 * (after - first) for after, first in zip(middle, begin, strict=True)]
    server, worker, clock = (1e3 * (after - first) for after, first in zip(end, middle, strict=True))
    return Spent(server=server, worker=worker, clock=clock, pictures=(before[0], before[1], before[2]))


def _now(postmaster: int) -> tuple[float, float, float]:
    return _server_seconds(postmaster), time.process_time(), time.monotonic()


def _server_seconds(postmaster: int) -> float:
    """The CPU time of a server and of all processes that it has now, to the microsecond."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return sum(_run_seconds(pid) for pid in (str(postmaster), *children))


def _run_seconds(pid: str) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except FileNotFoundError:  # it has ended meanwhile
        return 0.0
