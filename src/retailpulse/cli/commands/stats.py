"""The command `stats`: what the service did lately, what waits, how many workers there are."""

import rich_click as click

from retailpulse.cli.connection import with_client
from retailpulse.cli.console import output_console
from retailpulse.cli.output import json_option
from retailpulse.cli.tables import print_json
from retailpulse.cli.views import stats_view
from retailpulse.client import Client


@click.command()
@json_option
@with_client
def stats(client: Client, as_json: bool) -> None:
    """Show what the service did in the last hour and day, how much waits, and its workers.

    \b
    Examples:
      retailpulse stats
      watch -n 5 retailpulse stats
      retailpulse stats --json | jq .unsettled_images
    """
    found = client.stats()
    if as_json:
        print_json(found)
    else:
        output_console().print(stats_view(found))
