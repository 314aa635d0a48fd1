"""The commands about jobs: list, show, stores, delete, cancel, retry, and the deliveries of callbacks."""

from datetime import datetime
from typing import Any

import rich_click as click

from retailpulse.cli.connection import CAUSES, read_labels, with_client
from retailpulse.cli.console import output_console
from retailpulse.cli.credentials import credentials_option
from retailpulse.cli.output import answer, json_option
from retailpulse.cli.tables import Column, limit_options, print_json, show_list
from retailpulse.cli.terminal import echo
from retailpulse.cli.times import time_options
from retailpulse.cli.views import job_view, share, when
from retailpulse.client import Client, Delivery, Job, JobStatus, JobStore, JobSummary


def _last_try(delivery: Delivery) -> str:
    if not delivery.tries:
        return "-"
    last = delivery.tries[-1]
    return str(last.status) if last.status is not None else last.error or "-"


JOB_COLUMNS: tuple[Column[JobSummary], ...] = (
    Column(title="JOB", width=36, text=lambda job: job.job_id),
    Column(title="STATUS", width=9, text=lambda job: job.status),
    Column(title="IMAGES", width=9, text=lambda job: f"{job.images.total:,}", is_number=True),
    Column(title="SETTLED", width=9, text=lambda job: f"{job.images.settled:,}", is_number=True),
    Column(title="FAILED", width=9, text=lambda job: f"{job.images.failed:,}", is_number=True),
    Column(title="CANCELLED", width=9, text=lambda job: f"{job.images.cancelled:,}", is_number=True),
    Column(title="FLAGGED", width=9, text=lambda job: f"{job.flagged:,}", is_number=True),
    Column(
        title="FLAGGED%", width=8, text=lambda job: share(job.flagged, job.images.measured), is_number=True
    ),
    Column(title="SUBMITTED", width=20, text=lambda job: when(job.submitted_at)),
    Column(title="NAME", width=4, text=lambda job: job.name or "-"),
    Column(
        title="LABELS",
        width=6,
        text=lambda job: ",".join(f"{name}={text}" for name, text in job.labels.items()) or "-",
    ),
)
STORE_COLUMNS: tuple[Column[JobStore], ...] = (
    Column(title="STORE", width=12, text=lambda store: store.store_id),
    Column(title="IMAGES", width=9, text=lambda store: f"{store.images:,}", is_number=True),
    Column(title="FAILED", width=9, text=lambda store: f"{store.failed:,}", is_number=True),
    Column(title="CANCELLED", width=9, text=lambda store: f"{store.cancelled:,}", is_number=True),
    Column(
        title="CAUSES",
        width=6,
        text=lambda store: ", ".join(f"{number:,} {cause}" for cause, number in store.causes.items()) or "-",
    ),
)
DELIVERY_COLUMNS: tuple[Column[Delivery], ...] = (
    Column(title="DELIVERY", width=38, text=lambda delivery: delivery.delivery_id),
    Column(title="EVENT", width=10, text=lambda delivery: delivery.event),
    Column(title="STATE", width=9, text=lambda delivery: delivery.state),
    Column(title="TRIES", width=5, text=lambda delivery: f"{len(delivery.tries):,}", is_number=True),
    Column(title="LAST", width=6, text=_last_try),
    Column(title="NEXT TRY", width=20, text=lambda delivery: when(delivery.next_try_at)),
    Column(title="URL", width=3, text=lambda delivery: delivery.url),
)


@click.group()
def jobs() -> None:
    """Find jobs and act on them."""


@jobs.command("list")
@click.option(
    "--status",
    type=click.Choice([str(status) for status in JobStatus]),
    multiple=True,
    help="Only jobs in this state; may be repeated.",
)
@click.option("--name", metavar="NAME", help="Only jobs of this name, the whole of it.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    callback=read_labels,
    metavar="NAME=VALUE",
    help="Only jobs with this label; may be repeated.",
)
@click.option("--store-id", multiple=True, metavar="ID", help="Only jobs with a visit to this store.")
@time_options("Submitted")
@limit_options
@json_option
@with_client
def list_(
    client: Client,
    status: tuple[str, ...],
    name: str | None,
    labels: dict[str, list[str]],
    store_id: tuple[str, ...],
    after: str | datetime | None,
    before: str | datetime | None,
    **options: Any,
) -> None:
    """List jobs, the newest first.

    \b
    Examples:
      retailpulse jobs list
      retailpulse jobs list --after yesterday
      retailpulse jobs list --status failed --status cancelled --label region=north
      retailpulse jobs list --name "week 47"
      retailpulse jobs list --store-id RP00001 --after 2026-11-20 --json | jq '.[].job_id'
    """
    found = client.jobs(
        status=status,
        name=name,
        labels=labels,
        store_id=store_id,
        submitted_after=after,
        submitted_before=before,
    )
    show_list(found, JOB_COLUMNS, **options)


@jobs.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def show(client: Client, job_id: str, as_json: bool) -> None:
    """Show all facts of a job. Unlike `status`, it exits with 0 also if the job failed.

    \b
    Examples:
      retailpulse jobs show 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
    """
    _print_job(client.job(job_id), as_json)


@jobs.command()
@click.argument("job_id", metavar="ID")
@click.option("--store-id", multiple=True, metavar="ID", help="Only this store; may be repeated.")
@limit_options
@json_option
@with_client
def stores(client: Client, job_id: str, store_id: tuple[str, ...], **options: Any) -> None:
    """List the stores of a job: their images, how many failed or were cancelled, and why.

    \b
    Examples:
      retailpulse jobs stores 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --all
    """
    show_list(client.job_stores(job_id, store_id=store_id), STORE_COLUMNS, **options)


@jobs.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def delete(client: Client, job_id: str, as_json: bool) -> None:
    """Delete a job that has ended, with its visits and results. It does not ask first, and cannot be undone.

    \b
    Examples:
      retailpulse jobs delete 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
    """
    client.delete(job_id)
    answer("Deleted.", as_json=as_json, job_id=job_id, deleted=True)


@click.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def cancel(client: Client, job_id: str, as_json: bool) -> None:
    """Cancel a job: images without a result are cancelled, the others keep theirs.

    \b
    Examples:
      retailpulse cancel 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
    """
    _print_job(client.cancel(job_id), as_json)


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--cause",
    type=CAUSES,
    metavar="CAUSE",
    multiple=True,
    help="Only images that failed for this cause; may be repeated.",
)
@credentials_option
@json_option
@with_client
def retry(
    client: Client, job_id: str, cause: tuple[str, ...], credentials: dict[str, Any] | None, as_json: bool
) -> None:
    """Try the failed images of a job again; their earlier results stay readable.

    A job that came with credentials needs them again: they were deleted when it ended.

    \b
    Examples:
      retailpulse retry 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
      retailpulse retry 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --cause timeout --cause http_status
    """
    _print_job(client.retry(job_id, causes=cause or None, credentials=credentials), as_json)


jobs.add_command(cancel)
jobs.add_command(retry)


@click.command()
@click.argument("job_id", metavar="ID")
@limit_options
@json_option
@with_client
def deliveries(client: Client, job_id: str, **options: Any) -> None:
    """List the callbacks of a job, and how their delivery went. With --json: every try.

    \b
    Examples:
      retailpulse deliveries 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --json
    """
    show_list(client.deliveries(job_id), DELIVERY_COLUMNS, **options)


@click.command()
@click.argument("job_id", metavar="ID")
@json_option
@with_client
def redeliver(client: Client, job_id: str, as_json: bool) -> None:
    """Deliver the callback of a job that has ended once more.

    \b
    Examples:
      retailpulse redeliver 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
    """
    delivery = client.redeliver(job_id)
    if as_json:
        print_json(delivery)
    else:
        echo("The callback is queued. `retailpulse deliveries` shows its state.")


def _print_job(job: Job, as_json: bool) -> None:
    if as_json:
        print_json(job)
    else:
        output_console().print(job_view(job))
