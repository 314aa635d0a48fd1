"""How long a submit takes until its job is on disk, beside the least that the same machine needs for it.

That least is a parse of the same body, and the same image rows COPYed into a table like `images` on the same
PostgreSQL and committed. No worker runs, so nothing else uses the cores.
"""

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from uuid import UUID

import msgspec
import psycopg

from bench.case_runner import Bench
from bench.cases import SMALL
from bench.figures import Figure, at_most
from bench.service import running_service, write_submit
from bench.timed_client import TimedClient, timed_client
from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Depth

NAME = "submit"
SIZES = (1, 100, 2_000, 20_000, 60_000)
"""The last two are over 1 MB: they go by way of the disk."""
TARGETS = {2_000: at_most(3), 20_000: at_most(3), 60_000: at_most(3)}
_FEWEST_PAIRS = 3
_SCRATCH = "CREATE TABLE bench_images (LIKE images INCLUDING ALL)"
_COPY = "COPY bench_images (job_id, image_no, visit_no, image_url, same_as) FROM STDIN"


class _Visit(msgspec.Struct, gc=False):
    store_id: str
    image_url: list[str]
    visit_time: str


class _Body(msgspec.Struct):
    """The same fields as the API's own type of a submit, which is private to it."""

    count: int
    visits: list[_Visit]
    depth: Depth | None = None


def measure(bench: Bench) -> list[Figure]:
    """Every size of a job, each on a fresh service."""
    return [figure for images in SIZES for figure in _measure(bench, images)]


def _measure(bench: Bench, images: int) -> list[Figure]:
    case = f"{NAME} {images:,}"
    urls = [f"{bench.origin.photo_url(SMALL)}?submit-{number}" for number in range(images)]
    body = write_submit(urls, Depth.HEADER)
    bench.show(f"{case}: starting the service", 0)
    with ExitStack() as stack:
        service = stack.enter_context(running_service(0, bench.settings))
        client = stack.enter_context(timed_client(service.port))
        baseline = _Baseline(stack.enter_context(service.database()))
        _pairs(client, baseline, body, bench.seconds / 4)  # warms both up
        runs = []
        for number in range(bench.runs):
            bench.show(f"{case}, run {number + 1} of {bench.runs}", number / bench.runs)
            runs.append(_pairs(client, baseline, body, bench.seconds))
    submitted, least = ([1_000 * run[place] for run in runs] for place in (0, 1))
    name = "COPY + parse"
    return [
        Figure(
            case=case,
            about="until durable",
            runs=submitted,
            unit="ms",
            limits=least,
            limit_name=name,
            target=TARGETS.get(images),
        ),
        Figure(case=case, about="images accepted", runs=[1_000 * images / ms for ms in submitted], unit="/s"),
    ]


def _pairs(client: TimedClient, baseline: "_Baseline", body: bytes, seconds: float) -> tuple[float, float]:
    """Submits and does the least in turn for so long; the median seconds of the one and of the other."""
    until = time.perf_counter() + seconds
    submitted: list[float] = []
    least: list[float] = []
    while len(least) < _FEWEST_PAIRS or time.perf_counter() < until:
        if len(least) % 2:
            least.append(baseline.measure(body))
            submitted.append(client.submit(body))
        else:
            submitted.append(client.submit(body))
            least.append(baseline.measure(body))
    return statistics.median(submitted), statistics.median(least)


class _Baseline:
    """The least that a submit costs, in a table of our own in the service's database."""

    def __init__(self, connection: psycopg.Connection) -> None:
        connection.execute(_SCRATCH)
        self._connection = connection
        self._decoder = msgspec.json.Decoder(_Body)

    def measure(self, body: bytes) -> float:
        """Seconds to parse a body, and to write and commit its images."""
        job_id = new_job_id()
        began = time.perf_counter()
        visits = self._decoder.decode(body).visits
        parsed_seconds = time.perf_counter() - began
        rows = _rows(job_id, visits)
        began = time.perf_counter()
        with self._connection.transaction(), self._connection.cursor().copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)
        return parsed_seconds + time.perf_counter() - began


def _rows(job_id: UUID, visits: Sequence[_Visit]) -> list[tuple[UUID, int, int, str, None]]:
    urls = ((number, url) for number, visit in enumerate(visits, 1) for url in visit.image_url)
    return [(job_id, image_no, visit_no, url, None) for image_no, (visit_no, url) in enumerate(urls, 1)]
