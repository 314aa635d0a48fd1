"""What the settle costs with and without the row that it leaves for the search, in turns."""

import time
from collections.abc import Sequence
from statistics import median
from unittest.mock import patch

import msgspec
import numpy as np

from bench.matches.filled import PARTS, cpu_seconds, fingerprint_of
from bench.matches.hashes import HashSource
from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Format, Header, Outcome
from retailpulse.measure import make_measurement
from retailpulse.schema import ImageResult, Measurement
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results import new_photos
from retailpulse.storage.results.settle import settle

ROWS = 2_000


async def settles(connection: Connection, source: HashSource, turns: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of a batch of 2,000 results, with and without: CPU of both sides, and by the clock."""
    facts = [_measurement(fingerprint_of(source.draw(PARTS))) for _ in range(ROWS)]
    spent: dict[str, list[tuple[float, float]]] = {"without": [], "with": []}
    for turn in range(2 * turns + 2):
        results = await _job(connection, facts)
        name = ("without", "with")[turn % 2]
        at = _now(connection)
        if name == "without":
            with patch.object(new_photos, "put", _nothing):
                await _settle(connection, results)
        else:
            await _settle(connection, results)
        cpu, clock = (after - before for after, before in zip(_now(connection), at, strict=True))
        spent[name].append((cpu, clock))
    return {
        name: (1e3 * median(cpu for cpu, _ in times[1:]), 1e3 * median(clock for _, clock in times[1:]))
        for name, times in spent.items()
    }


def _now(connection: Connection) -> tuple[float, float]:
    return cpu_seconds(connection.info.backend_pid) + time.process_time(), time.monotonic()


async def _nothing(*_: object) -> None:
    """In the place of the queue."""


async def _settle(connection: Connection, results: Sequence[ImageResult]) -> None:
    async with connection.transaction():
        assert await settle(connection, results) == len(results)


def _measurement(fingerprint: bytes) -> Measurement:
    header = Header(format=Format.JPEG, width=4032, height=3024, displayed_width=4032, displayed_height=3024)
    sha256 = np.random.default_rng().bytes(32).hex()
    made = make_measurement(header, size_bytes=2_508_113, sha256=sha256)
    numbers = {
        "sharpness": 0.84, "brightness": 91.3, "brightness_p5": 12, "brightness_p50": 84,
        "brightness_p95": 201, "brightness_p99": 238, "contrast": 214, "blown": 0.004, "content": 0.97,
        "taken_at": "2026-11-20T10:31:07+05:30", "camera_make": "HMD Global", "camera_model": "Nokia 8.3 5G",
    }  # fmt: skip
    return msgspec.structs.replace(made, fingerprint=fingerprint, **numbers)


async def _job(connection: Connection, facts: Sequence[Measurement]) -> list[ImageResult]:
    job_id = new_job_id()
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO jobs (job_id, status, depth, images) VALUES (%s, 'ongoing', 'decode', %s)",
            [job_id, len(facts)],
        )
        await connection.execute(
            "INSERT INTO visits VALUES (%s, 1, 'S1', true, '', NULL, 1, %s)", [job_id, len(facts)]
        )
        await connection.execute(
            "INSERT INTO images SELECT %s, n, 1, 'http://photos.example/' || n FROM generate_series(1, %s) n",
            [job_id, len(facts)],
        )
    return [
        ImageResult(job_id=job_id, image_no=number, outcome=Outcome.MEASURED, measurement=one, tries=1)
        for number, one in enumerate(facts, 1)
    ]
