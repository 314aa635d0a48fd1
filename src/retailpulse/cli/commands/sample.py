"""The command `sample`: prints a file to try a service with."""

import rich_click as click

from retailpulse.cli.terminal import echo


@click.command()
@click.argument("what", type=click.Choice(["visits", "job", "stores"]), default="visits")
def sample(what: str) -> None:
    """Print a sample file: visits as CSV, the same as a job in JSON, or a store master.

    The visits are to stores of the sample store master. Their four photos lie on www.gstatic.com: the service
    needs the internet to fetch them.

    \b
    Examples:
      retailpulse sample stores > stores.csv
      retailpulse sample visits > visits.csv
      retailpulse sample job > job.json
      retailpulse sample stores | retailpulse stores import -
      retailpulse sample job | retailpulse submit - --watch
    """
    from retailpulse.samples import sample_job, sample_stores, sample_visits

    text = {"visits": sample_visits, "job": sample_job, "stores": sample_stores}[what]()
    echo(text.removesuffix("\n"))
