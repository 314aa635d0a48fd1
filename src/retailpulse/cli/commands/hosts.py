"""The command `hosts`: the photo hosts in use, and what limits each."""

from typing import Any

import rich_click as click

from retailpulse.cli.connection import with_client
from retailpulse.cli.output import json_option
from retailpulse.cli.tables import Column, limit_options, show_list
from retailpulse.client import Client, Host


def _breaker(host: Host) -> str:
    return f"{host.breaker}, rests {host.rest_seconds:,.0f} s" if host.rest_seconds >= 1 else host.breaker


COLUMNS: tuple[Column[Host], ...] = (
    Column(
        title="WAITING",
        width=9,
        text=lambda host: f"{host.waiting:,}" + ("" if host.counted_all else "+"),
        is_number=True,
    ),
    Column(title="JOBS", width=5, text=lambda host: f"{host.waiting_jobs:,}", is_number=True),
    Column(title="TAKEN", width=6, text=lambda host: f"{host.taken:,}", is_number=True),
    Column(title="IN FLIGHT", width=9, text=lambda host: f"{host.in_flight:,}", is_number=True),
    Column(title="LEASED", width=6, text=lambda host: f"{host.leased:,}", is_number=True),
    Column(
        title="CAP", width=5, text=lambda host: "-" if host.cap is None else f"{host.cap:,}", is_number=True
    ),
    Column(
        title="LATENCY",
        width=9,
        text=lambda host: "-" if host.latency_seconds is None else f"{host.latency_seconds * 1000:,.0f} ms",
        is_number=True,
    ),
    Column(
        title="PACE",
        width=7,
        text=lambda host: "-" if host.rate_per_second is None else f"{host.rate_per_second:,.1f}/s",
        is_number=True,
    ),
    Column(title="BREAKER", width=9, text=_breaker),
    Column(title="HOST", width=30, text=lambda host: host.origin),
    Column(
        title="LAST REFUSAL",
        width=12,
        text=lambda host: "-" if host.last_refusal is None else host.last_refusal.detail,
    ),
)


@click.command()
@click.option(
    "--origin",
    multiple=True,
    metavar="ORIGIN",
    help="Only this host, such as https://photos.example:443, also if it is not in use; may be repeated.",
)
@limit_options
@json_option
@with_client
def hosts(client: Client, origin: tuple[str, ...], **options: Any) -> None:
    """List the photo hosts in use, most waiting images first, and what limits each.

    \b
    Examples:
      retailpulse hosts
      watch -n 2 retailpulse hosts --limit 20
      retailpulse hosts --json --all | jq '.[] | select(.breaker != "closed") | .origin'
    """
    show_list(client.hosts(origin=origin), COLUMNS, **options)
