"""What one image costs, as `retailpulse plan` counts with it; and how well that tells other runs.

It writes the costs to bench/out/costs.json. Weak: pictures are of drawn shelves, and the origin is fast; at
depth `download` the search for copies of a file is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.case_runner import Bench, ServiceRun
from bench.cases import LARGE, MEDIUM, SMALL, Photo, find_case
from bench.environment import cpu_model
from bench.figures import Figure
from bench.service import Service, running_service, write_submit
from bench.truth.varied import draw_varied
from retailpulse.domain.capacity import Costs, worker_us
from retailpulse.domain.images import Depth

NAME = "capacity"
COSTS_FILE = Path(__file__).parent / "out" / "costs.json"
MIDDLE = Photo(name="3MP", width=2_048, height=1_536, size_bytes=640_000)
"""Of no cost: what it takes is told beforehand, and measured."""
COUNTS = {SMALL: 20_000, MEDIUM: 600, MIDDLE: 250, LARGE: 100}
_UNMATCHED = {"RETAILPULSE_MATCHES_WINDOW_DAYS": "0"}
"""Without decoding one photo stands for all, and all of them would be copies of it."""
_DOWNLOADS = {MEDIUM: 4_000, LARGE: 600}
_SEARCHED = "SELECT NOT EXISTS (SELECT FROM fingerprint_queue) AND NOT EXISTS (SELECT FROM match_queue)"
_STATE = """
    SELECT pg_database_size(current_database())::bigint, pg_total_relation_size('thumbnails')::bigint,
        pg_current_wal_insert_lsn() - '0/0'::pg_lsn
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageCost:
    """What an image took in one run: CPU in microseconds by process, bytes of the database, pictures, WAL."""

    worker_us: float
    api_us: float
    database_us: float
    database_bytes: float
    picture_bytes: float
    wal_bytes: float
    memory_bytes: float


def measure(bench: Bench) -> list[Figure]:
    """The costs, and what they tell of three other runs."""
    header = _run(bench, Depth.HEADER, SMALL)
    downloaded = _run(bench, Depth.DOWNLOAD, LARGE)
    medium, large = (_run(bench, Depth.DECODE, photo) for photo in (MEDIUM, LARGE))
    costs = costs_of(bench.cores, header, downloaded, medium, large)
    COSTS_FILE.parent.mkdir(exist_ok=True)
    COSTS_FILE.write_bytes(msgspec.json.format(msgspec.json.encode(costs)) + b"\n")
    told = ((Depth.HEADER, LARGE), (Depth.DOWNLOAD, MEDIUM), (Depth.DECODE, MIDDLE))
    return [_figure(costs, depth, photo, _run(bench, depth, photo)) for depth, photo in told]


def costs_of(
    cores: int, header: ImageCost, downloaded: ImageCost, medium: ImageCost, large: ImageCost
) -> Costs:
    """The costs that make these four runs: a header, a download of 12 MP, two sizes that are decoded."""
    per_mb = (downloaded.worker_us - header.worker_us) / (LARGE.size_bytes / 1e6)
    decoded = [
        cost.worker_us - header.worker_us - per_mb * photo.size_bytes / 1e6
        for cost, photo in ((medium, MEDIUM), (large, LARGE))
    ]
    per_megapixel = (decoded[1] - decoded[0]) / (megapixels(LARGE) - megapixels(MEDIUM))
    return Costs(
        measured_on=f"{cores} cores of {cpu_model()}",
        worker_us=header.worker_us,
        worker_us_per_mb=per_mb,
        decode_us=decoded[0] - per_megapixel * megapixels(MEDIUM),
        decode_us_per_megapixel=per_megapixel,
        api_us=header.api_us,
        database_us=header.database_us,
        database_checked_us=medium.database_us - header.database_us,
        row_bytes=header.database_bytes,
        row_checked_bytes=medium.database_bytes - medium.picture_bytes - header.database_bytes,
        picture_bytes=medium.picture_bytes,
        wal_bytes=header.wal_bytes,
        wal_checked_bytes=medium.wal_bytes - header.wal_bytes,
        worker_memory_bytes=large.memory_bytes / cores,
    )


def _run(bench: Bench, depth: Depth, photo: Photo) -> ImageCost:
    name = f"{NAME}, {depth} {photo.name}"
    bench.show(f"{name}: drawing", 0)
    urls = _urls(bench, depth, photo)
    settings = dict(bench.settings) if depth is Depth.DECODE else {**bench.settings, **_UNMATCHED}
    with running_service(bench.cores, settings) as service:
        bench.probe(find_case(depth, MEDIUM), service)  # what a start costs is no image's
        _wait(service)
        before = _state(service)
        run = bench.run_body(write_submit(urls, depth), service, len(urls), name, _wait)
        after = _state(service)
    grown = [(now - then) / len(urls) for then, now in zip(before, after, strict=True)]
    return _cost(run, grown)


def _urls(bench: Bench, depth: Depth, photo: Photo) -> list[str]:
    if depth is Depth.DECODE:
        return [
            f"{bench.origin.url}/{file}" for file in draw_varied(photo, COUNTS[photo], bench.origin.folder)
        ]
    count = COUNTS[SMALL] if depth is Depth.HEADER else _DOWNLOADS[photo]
    return [f"{bench.origin.photo_url(photo)}?{NAME}-{number}" for number in range(count)]


def _cost(run: ServiceRun, grown: Sequence[float]) -> ImageCost:
    us = run.cpu_us_per_image
    return ImageCost(
        worker_us=us["worker"] + us["decoder"],
        api_us=us["api"],
        database_us=us["postgres"],
        database_bytes=grown[0],
        picture_bytes=grown[1],
        wal_bytes=grown[2],
        memory_bytes=run.peak_pss_bytes,
    )


def _wait(service: Service) -> None:
    with service.database() as connection:
        service.wait_until(lambda: connection.execute(_SEARCHED).fetchone() == (True,))


def _state(service: Service) -> tuple[float, float, float]:
    with service.database() as connection:
        row = connection.execute(_STATE).fetchone()
    if row is None:
        raise AssertionError("a row is always given")
    size, pictures, wal = row
    return float(size), float(pictures), float(wal)


def megapixels(photo: Photo) -> float:
    """Of a photo, in millions."""
    return photo.width * photo.height / 1e6


def _figure(costs: Costs, depth: Depth, photo: Photo, measured: ImageCost) -> Figure:
    planned = worker_us(costs, depth, size_bytes=photo.size_bytes, megapixels=megapixels(photo))
    return Figure(
        case=f"{NAME}, {depth} {photo.name}",
        about="CPU of a worker as planned",
        unit="us",
        runs=[planned],
        limits=[measured.worker_us],
        limit_name="measured",
    )
