"""The commands that say how a job goes: watch, status."""

import rich_click as click
from click.exceptions import Exit

from retailpulse.cli.connection import with_client
from retailpulse.cli.console import output_console
from retailpulse.cli.output import json_option
from retailpulse.cli.tables import print_json
from retailpulse.cli.views import job_view
from retailpulse.cli.watch import exit_code, watch_to_the_end
from retailpulse.client import Client


@click.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def watch(client: Client, job_id: str, as_json: bool) -> None:
    """Show a job until it ends. Ctrl-C stops the watching, not the job.

    Exits with 0 if the job completed, 1 if it failed or was cancelled, 3 if the service cannot be reached.

    \b
    Examples:
      retailpulse watch 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
      retailpulse watch "$(retailpulse submit job.json)"
    """
    watch_to_the_end(client, job_id, as_json=as_json, summary_to_stderr=False)


@click.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def status(client: Client, job_id: str, as_json: bool) -> None:
    """Show the state of a job: its images, causes of failures, stores with failures.

    Exits with 1 if the job failed or was cancelled, 0 if it completed or goes on.

    \b
    Examples:
      retailpulse status 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
      retailpulse status 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --json
    """
    job = client.job(job_id)
    if as_json:
        print_json(job)
    else:
        output_console().print(job_view(job))
    raise Exit(exit_code(job))
