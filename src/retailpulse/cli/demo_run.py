"""What the demo does: set the stage, draw, import, submit, watch, report, serve on until it is stopped.

What is drawn and submitted is `demo`'s, what is said afterwards `demo_report`'s.
"""

import io
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from retailpulse.cli.demo_flags import bad_photos, check_flags, copied_photos, settled_flags
from retailpulse.cli.demo_report import check, dashboard, next_steps, report, without_host
from retailpulse.cli.exit_codes import Terminated
from retailpulse.cli.invocation import invocation, invocation_elsewhere
from retailpulse.cli.watch import follow
from retailpulse.client import Client, Unreachable
from retailpulse.demo.drawing import draw
from retailpulse.demo.job import DemoJob
from retailpulse.demo.stage import Stage, StageFailed
from retailpulse.demo.trouble import build_job, write_bad_files
from retailpulse.samples import sample_stores

_PATIENCE_SECONDS = 30.0


def perform(console: Console, *, images: int, port: int, leave: bool) -> int:
    """Play the demo from start to end and return its exit code."""
    with Stage(port) as stage:
        try:
            console.print(f"Everything happens in {stage.folder} and is removed at the end.", soft_wrap=True)
            planned = build_job(origin=stage.origin_url, images=images, now=datetime.now(UTC))
            _draw(console, stage, planned)
            # With --exit no addresses are printed: by the time people read them they lead nowhere.
            with _step(console, "The service is up" if leave else f"The service is up at {stage.url}"):
                stage.wait_until_ready()
            with Client(stage.url, patience_seconds=_PATIENCE_SECONDS) as client:
                job_id, flagged, code = _show(console, stage, client, planned, leave=leave)
            if leave:
                console.print(f"\nTo try it yourself: {invocation()} demo  (it goes on until Ctrl-C)")
            else:
                _show_next_steps(console, stage, planned, job_id, flagged)
                _keep_serving(console, stage)
            return code
        except Unreachable:
            if stage.ended():  # then its log says more than the broken connection does
                raise StageFailed(stage.log_end()) from None
            raise
        finally:
            console.print("Stopping the service and removing its files.")


def _draw(console: Console, stage: Stage, planned: DemoJob) -> None:
    columns = (TextColumn("Drawing photos"), BarColumn(), MofNCompleteColumn())
    begin, shelves = time.monotonic(), planned.gondolas
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(planned.drawn) + len(shelves))
        for _ in draw(planned, stage.photos):
            bar.advance(task)
    size_bytes = sum(file.stat().st_size for file in stage.photos.iterdir())
    write_bad_files(stage.photos)
    others = f", and {len(shelves)} shelves for the other {len(planned.recipes):,}" if shelves else ""
    _done(console, f"{len(planned.drawn)} photos drawn{others}, {size_bytes / 1e6:.0f} MB", begin)


def _show(
    console: Console, stage: Stage, client: Client, planned: DemoJob, *, leave: bool
) -> tuple[str, int, int]:
    """Import, submit, watch, report; returns the job's id, how many photos are flagged, and the exit code."""
    with _step(console, "Sample stores loaded"):
        client.import_stores(io.StringIO(sample_stores()))
    with _step(
        console, f"Job with {len(planned.body['visits']):,} visits and {planned.images:,} images accepted"
    ):
        job_id = client.submit(planned.body["visits"])
    job = follow(client, job_id, console)
    found = settled_flags(client, planned, job_id)
    report(console, without_host(job, stage.origin_url) if leave else job, found)
    copied = copied_photos(client, job_id)
    console.print()
    console.print(bad_photos(planned, found, copied))
    complaints = check(planned, job, found) + check_flags(planned, found, copied)
    _say_whether_right(console, planned, complaints)
    return job_id, sum(bool(row.flags) for row in found), 1 if complaints else 0


def _show_next_steps(console: Console, stage: Stage, planned: DemoJob, job_id: str, flagged: int) -> None:
    curl = shutil.which("curl") is not None
    commands = next_steps(stage.url, job_id, _small_body(planned), program=invocation_elsewhere(), curl=curl)
    for line in (*commands, *dashboard(stage.url, job_id, flagged)):
        console.print(line, soft_wrap=True, markup=False)


def _say_whether_right(console: Console, planned: DemoJob, complaints: list[str]) -> None:
    if not complaints:
        good = len(planned.perimeters)
        console.print(
            f"[green]All as it has to be:[/] {good:,} perimeters right, {planned.failed} failures named, "
            f"{len(planned.bad)} photos flagged."
        )
    for complaint in complaints:
        console.print(f"WRONG: {complaint}", style="red", markup=False)


def _keep_serving(console: Console, stage: Stage) -> None:
    """Serve until someone wants it to end: that is no failure."""
    console.print("\nThe service goes on; Ctrl-C stops it.")
    try:
        while not stage.ended():
            time.sleep(0.2)
    except (KeyboardInterrupt, Terminated):
        return
    raise StageFailed(stage.log_end())


def _small_body(planned: DemoJob) -> str:
    """A job of one image, to try by hand."""
    visit = {"store_id": "RP00001", "image_url": [next(iter(planned.perimeters))], "visit_time": "2026-11-20"}
    return msgspec.json.encode({"count": 1, "visits": [visit]}).decode()


@contextmanager
def _step(console: Console, done: str) -> Iterator[None]:
    begin = time.monotonic()
    with console.status("Waiting"):
        yield
    _done(console, done, begin)


def _done(console: Console, text: str, begin: float) -> None:
    console.print(f"[green]*[/] {text} ({time.monotonic() - begin:.1f} s)", soft_wrap=True)
