"""Following a job until it ends, and what Ctrl-C means then."""

from click.exceptions import Exit
from rich.console import Console

from retailpulse.cli.console import error_console
from retailpulse.cli.exit_codes import INTERRUPTED
from retailpulse.cli.progress import JobProgress
from retailpulse.cli.tables import print_json
from retailpulse.cli.terminal import echo
from retailpulse.cli.views import summary
from retailpulse.client import Client, Job, JobStatus


def follow(client: Client, job_id: str, console: Console) -> Job:
    """Show the job until it ends; outages are waited out as long as the client does."""
    with JobProgress(console) as progress:
        return client.wait(job_id, progress=progress.show)


def watch_to_the_end(client: Client, job_id: str, *, as_json: bool, summary_to_stderr: bool) -> None:
    """Follow the job, say how it ended and leave with the exit code that says so too."""
    try:
        job = follow(client, job_id, error_console())
    except KeyboardInterrupt:
        echo(f"\nThe job goes on. Watch it again: {watch_command(client, job_id)}", err=True)
        raise Exit(INTERRUPTED) from None
    if as_json:
        print_json(job)
    else:
        echo(summary(job), err=summary_to_stderr)
    raise Exit(exit_code(job))


def exit_code(job: Job) -> int:
    """0 while nothing went wrong, 1 for a job that failed or was cancelled."""
    return 1 if job.status in {JobStatus.FAILED, JobStatus.CANCELLED} else 0


def watch_command(client: Client, job_id: str) -> str:
    """The command that watches this job."""
    return f"retailpulse watch {job_id} --url {client.url}"
