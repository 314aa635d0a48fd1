"""Following a job until it ends, through short outages of the service, and what Ctrl-C means then."""

import time

import rich_click as click
from click.exceptions import Exit
from rich.console import Console

from retailpulse.cli.answers import Job
from retailpulse.cli.connection import Service, Unreachable
from retailpulse.cli.progress import JobProgress, error_console
from retailpulse.cli.render import summary
from retailpulse.domain.jobs import JobStatus

POLL_SECONDS = 0.5
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def follow(service: Service, job_id: str, console: Console, *, patience_seconds: float) -> Job:
    """Show the job until it ends; an outage is waited out for `patience_seconds`."""
    with JobProgress(console) as progress:
        job = _look(service, job_id, progress, patience_seconds)
        while job.status is JobStatus.ONGOING:
            progress.show(job)
            time.sleep(POLL_SECONDS)
            job = _look(service, job_id, progress, patience_seconds)
        progress.show(job)
    return job


def watch_to_the_end(
    service: Service, job_id: str, *, patience_seconds: float, summary_to_stderr: bool
) -> None:
    """Follow the job, say how it ended and leave with the exit code that says so too."""
    try:
        job = follow(service, job_id, error_console(), patience_seconds=patience_seconds)
    except KeyboardInterrupt:
        click.echo(f"\nThe job goes on. Watch it again: {watch_command(service, job_id)}", err=True)
        raise Exit(INTERRUPTED) from None
    click.echo(summary(job), err=summary_to_stderr)
    raise Exit(exit_code(job))


def exit_code(job: Job) -> int:
    """0 while nothing went wrong, 1 for a job that failed or was cancelled."""
    return 1 if job.status in {JobStatus.FAILED, JobStatus.CANCELLED} else 0


def watch_command(service: Service, job_id: str) -> str:
    """The command that watches this job."""
    return f"retailpulse watch {job_id} --url {service.url}"


def _look(service: Service, job_id: str, progress: JobProgress, patience_seconds: float) -> Job:
    lost_at: float | None = None
    while True:
        try:
            return service.job(job_id)
        except Unreachable as outage:
            now = time.monotonic()
            if lost_at is None:
                lost_at = now
                progress.say(f"{outage.message} Trying again for {patience_seconds:g} s.")
            if now - lost_at >= patience_seconds:
                raise
        time.sleep(POLL_SECONDS)
