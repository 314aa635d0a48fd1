"""How long a submit takes until its job is on disk, in each format, beside the least that it needs.

That least is a parse of the same body, and the same image rows COPYed into a table like `images` on the same
PostgreSQL and committed. No worker runs, so nothing else uses the cores.
"""

import csv
import io
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

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
    depth: Depth = Depth.HEADER


_decode_body = msgspec.json.Decoder(_Body).decode
_decode_visit = msgspec.json.Decoder(_Visit).decode


@dataclass(frozen=True)
class _Format:
    """A format of bodies: how a client writes visits in it, and the least that reads them."""

    name: str
    media_type: str
    write: Callable[[Sequence[_Visit]], bytes]
    read: Callable[[bytes], Iterable[tuple[int, str]]]


def _write_csv(visits: Sequence[_Visit]) -> bytes:
    rows = ((visit.store_id, url, visit.visit_time) for visit in visits for url in visit.image_url)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("store_id", "image_url", "visit_time"), *rows])
    return text.getvalue().encode()


def _read_csv(body: bytes) -> list[tuple[int, str]]:
    visits: dict[tuple[str, str], int] = {}
    rows = csv.reader(io.StringIO(body.decode()))
    next(rows)
    return [(visits.setdefault((store, time), len(visits) + 1), url) for store, url, time in rows]


def _number(visits: Iterable[_Visit]) -> list[tuple[int, str]]:
    return [(number, url) for number, visit in enumerate(visits, 1) for url in visit.image_url]


JSON = _Format(
    "",
    "application/json",
    lambda visits: msgspec.json.encode(_Body(len(visits), list(visits))),
    lambda body: _number(_decode_body(body).visits),
)
NDJSON = _Format(
    "ndjson ",
    "application/x-ndjson",
    lambda visits: b"\n".join(map(msgspec.json.encode, visits)),
    lambda body: _number(map(_decode_visit, body.splitlines())),
)
CSV = _Format("csv ", "text/csv", _write_csv, _read_csv)


def measure(bench: Bench) -> list[Figure]:
    """Every size of a job in JSON and the greatest in other formats, each on a fresh service."""
    cases = [*((JSON, images) for images in SIZES), (NDJSON, SIZES[-1]), (CSV, SIZES[-1])]
    return [figure for case in cases for figure in _measure(bench, *case)]


def _measure(bench: Bench, form: _Format, images: int) -> list[Figure]:
    case = f"{NAME} {form.name}{images:,}"
    urls = [f"{bench.origin.photo_url(SMALL)}?submit-{number}" for number in range(images)]
    body = form.write(_decode_body(write_submit(urls, Depth.HEADER)).visits)
    bench.show(f"{case}: starting the service", 0)
    with ExitStack() as stack:
        service = stack.enter_context(running_service(0, bench.settings))
        client = stack.enter_context(timed_client(service.port))
        baseline = _Baseline(stack.enter_context(service.database()), form)
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
            submitted.append(client.submit(body, baseline.media_type))
        else:
            submitted.append(client.submit(body, baseline.media_type))
            least.append(baseline.measure(body))
    return statistics.median(submitted), statistics.median(least)


class _Baseline:
    """The least that a submit costs, in a table of our own in the service's database."""

    def __init__(self, connection: psycopg.Connection, form: _Format) -> None:
        connection.execute(_SCRATCH)
        self._connection = connection
        self._read = form.read
        self.media_type = form.media_type

    def measure(self, body: bytes) -> float:
        """Seconds to parse a body, and to write and commit its images."""
        job_id = new_job_id()
        began = time.perf_counter()
        images = self._read(body)
        parsed_seconds = time.perf_counter() - began
        rows = [(job_id, image_no, visit_no, url, None) for image_no, (visit_no, url) in enumerate(images, 1)]
        began = time.perf_counter()
        with self._connection.transaction(), self._connection.cursor().copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)
        return parsed_seconds + time.perf_counter() - began
