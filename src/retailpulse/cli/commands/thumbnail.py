"""The command `thumbnail`: a small picture of one photo, to a file or to standard output."""

import sys
from pathlib import Path

import rich_click as click

from retailpulse.cli.connection import with_client
from retailpulse.cli.exports import file_errors
from retailpulse.client import Client, appearing


@click.command()
@click.argument("job_id", metavar="ID")
@click.argument("image_no", metavar="NO", type=click.IntRange(min=1))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to this file; without it, to standard output, which must not be a terminal.",
)
@click.option(
    "--review",
    "is_for_review",
    is_flag=True,
    help="The larger picture that flagged photos have, if it has one.",
)
@with_client
def thumbnail(client: Client, job_id: str, image_no: int, output: Path | None, is_for_review: bool) -> None:
    """Fetch a small picture of one image of a job: a JPEG, upright, without metadata.

    \b
    Examples:
      retailpulse thumbnail 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 1 -o photo.jpg
      retailpulse thumbnail 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 7 --review > photo.jpg
    """
    if output is None and sys.stdout.isatty():
        raise click.UsageError("a picture is no text: name a file with -o FILE, or redirect it")
    jpeg = client.thumbnail(job_id, image_no, size="review" if is_for_review else "thumbnail")
    if output is None:
        sys.stdout.buffer.write(jpeg)
        sys.stdout.buffer.flush()
        return
    with file_errors(output), appearing(output) as file:
        file.write(jpeg)
