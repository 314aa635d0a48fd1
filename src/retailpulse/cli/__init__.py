"""The command line: one group, `server` for what runs here, `client` for what speaks to a service."""

import sys

import rich_click as click

from retailpulse import __version__
from retailpulse.cli.client import results, status, stores, submit, watch
from retailpulse.cli.demo_command import demo
from retailpulse.cli.server import api, config, migrate, serve, worker
from retailpulse.domain.errors import RetailPulseError

USAGE_ERROR = 2


@click.rich_config(
    help_config=click.RichHelpConfiguration(
        padding_helptext_first_line=(0, 0, 1, 0), text_paragraph_linebreaks="\n\n"
    )
)
@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="retailpulse")
def group() -> None:
    """Turn store-visit photos into facts.

    \b
    Examples:
      retailpulse demo --exit            see it work
      retailpulse serve                  run the whole service on this machine
      retailpulse stores import FILE.csv load the store master
      retailpulse submit JOB.json --watch
    """


for _command in (serve, worker, api, migrate, config, stores, submit, watch, status, results, demo):
    group.add_command(_command)


def main() -> None:
    """Runs the command line; an error of ours is one line on standard error and exit code 1."""
    try:
        group()
    except RetailPulseError as error:
        click.echo(f"retailpulse: {error}", err=True)
        sys.exit(1)
