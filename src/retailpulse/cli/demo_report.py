"""What the demo says of its job: tables, whether every number is right, and commands to go on with."""

import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from retailpulse.cli.terminal import printable
from retailpulse.cli.views import store_table, summary, titled_table
from retailpulse.client import Job, Result
from retailpulse.demo.job import DemoJob
from retailpulse.domain.images import Outcome

_SAMPLES = 8
_SHOWN_COMPLAINTS = 10


def report(console: Console, job: Job, rows: Sequence[Result]) -> None:
    """Outcomes, stores with failures, some perimeters, and the throughput."""
    for table in (_outcomes(job), store_table(job), _perimeters(rows)):
        console.print()
        console.print(table)
    console.print(summary(job), soft_wrap=True)


def without_host(job: Job, url: str) -> Job:
    """A job whose errors name photos by their paths alone, as their host is gone when people read them."""
    stores = [replace(store, error=store.error.replace(url, "")) for store in job.stores]
    return replace(job, stores=stores)


def check(planned: DemoJob, job: Job, rows: Sequence[Result]) -> list[str]:
    """The differences from the plan, a line each; empty if there are none."""
    expected = {
        "images": (planned.images, job.images.total),
        "settled images": (planned.images, job.images.settled),
        "measured images": (len(planned.perimeters), job.images.measured),
        "failures": (planned.failed, job.images.failed),
        "causes": (dict(sorted(planned.causes.items())), dict(sorted(job.causes.items()))),
        "results": (planned.images, len({row.image_no for row in rows})),
    }
    wrong = [f"{what}: {due} expected, {is_} found" for what, (due, is_) in expected.items() if due != is_]
    return wrong + list(_wrong_perimeters(planned, rows))[:_SHOWN_COMPLAINTS]


def next_steps(url: str, job_id: str, body: str, *, program: str, curl: bool) -> Iterator[str]:
    """Commands to try next, ready to be pasted into a shell; those for curl only if there is one."""
    yield f"\n{url}/docs shows the API in a browser. Go on in another terminal:"
    if curl:
        yield from _asked_with_curl(url, job_id, body)
    for words in (
        f"status {job_id}",
        f"jobs show {job_id}",
        "visits --area 7100015",
        f"results {job_id} -o results.csv",
    ):
        yield f"  {program} {words} --url {url}"


def dashboard(url: str, job_id: str, flagged: int) -> Iterator[str]:
    """Where a browser shows the job and its flagged photos."""
    yield f"\nDashboard: {url}/"
    yield f"  {url}/jobs/{job_id}  this job, in which {flagged} photos are flagged"
    yield f"  {url}/review  flagged photos, one after the other, to decide on"


def _asked_with_curl(url: str, job_id: str, body: str) -> Iterator[str]:
    for path in (
        f"/api/status?jobid={job_id}",
        f"/api/v1/jobs/{job_id}",
        f"/api/v1/jobs/{job_id}/results?format=csv",
        "/api/visits?area=7100015",
        "/api/visits?storeid=RP00001",
    ):
        yield f"  curl {shlex.quote(url + path)}"
    yield f"  curl -d {shlex.quote(body)} {url}/api/submit"


def _wrong_perimeters(planned: DemoJob, rows: Sequence[Result]) -> Iterator[str]:
    for row in rows:
        due = planned.perimeters.get(row.image_url)
        if due is not None and row.perimeter != due:
            yield f"perimeter of {printable(row.image_url)}: {due} expected, {row.perimeter} found"


def _outcomes(job: Job) -> Table:
    table = titled_table("Outcomes", "outcome")
    table.add_column("images", justify="right")
    table.add_row("measured", f"{job.images.measured:,}", style="green")
    for cause, number in job.causes.items():
        table.add_row(printable(cause), f"{number:,}", style="red")
    return table


def _perimeters(rows: Sequence[Result]) -> Table:
    """One image of each format, then other sizes, as long as there is room."""
    table = titled_table("Some perimeters", "photo", "format")
    for name in ("width x height", "perimeter"):
        table.add_column(name, justify="right")
    measured = [row for row in rows if row.outcome is Outcome.MEASURED]
    by_format = {row.format: row for row in measured}
    samples = {(row.format, row.width, row.height): row for row in (*by_format.values(), *measured)}
    for row in list(samples.values())[:_SAMPLES]:
        name = urlsplit(row.image_url).path.rpartition("/")[2]
        size = f"{row.width} x {row.height}"
        table.add_row(printable(name), row.format, size, f"{row.perimeter:,}" if row.perimeter else "-")
    return table
