"""Serves the hostile origin by hand: prints what each URL should come to, then plays until Ctrl-C."""

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from tests.hostile import NETWORK, HostileOrigin, Rate
from tests.hostile.job import job_of
from tests.hostile.trick import Trick

EXAMPLES = """\b
Examples:
  make hostile                                  the table, then serve on ports 8080 and 8443
  make hostile ARGS="--urls"                    bare URLs, one a line, then serve
  make hostile ARGS="--job job.json --images 500 --bad-percent 40"
  make hostile ARGS="--port 0 --tls-port 0"     any free ports
  make hostile ARGS="--attack"                  a service measures all of it among 2,000 good photos
  curl -sS --max-time 5 http://127.0.1.1:8080/any/name.jpg -o photo.jpg
"""


@click.command(epilog=EXAMPLES, context_settings={"max_content_width": 110})
@click.option("--port", default=8080, show_default=True, help="Port of the plain hosts; 0: any free one.")
@click.option("--tls-port", default=8443, show_default=True, help="Port of the TLS hosts; 0: any free one.")
@click.option("--urls", is_flag=True, help="Print bare URLs only, one of each trick.")
@click.option(
    "--job", type=click.Path(dir_okay=False, path_type=Path), help="Write the body of POST /api/submit here."
)
@click.option("--images", default=300, show_default=True, help="How many images the job has.")
@click.option(
    "--bad-percent", default=50, show_default=True, type=click.IntRange(0, 100), help="How many play tricks."
)
@click.option("--heavy", is_flag=True, help="Take the tricks into the job that cost much memory, too.")
@click.option("--rate", default=5, show_default=True, help="Requests a second that rate-limited takes.")
@click.option("--retry-after", type=int, help="Seconds that rate-limited tells who asks for more.")
@click.option(
    "--attack", is_flag=True, help="Measure what good photos lose to all of it: the bench of that name."
)
def main(
    port: int,
    tls_port: int,
    urls: bool,
    job: Path | None,
    images: int,
    bad_percent: int,
    heavy: bool,
    rate: int,
    retry_after: int | None,
    attack: bool,
) -> None:
    """Play every trick of a broken or malicious photo host, each at a loopback address of its own.

    Any path of an address plays its trick, so one trick gives as many distinct photos as are wanted.
    """
    if attack:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        os.execv(sys.executable, [sys.executable, "-m", "bench", "--only", "attack", "--runs", "1"])
    told = Rate(per_second=rate, retry_after_seconds=retry_after)
    with (
        tempfile.TemporaryDirectory(prefix="hostile-") as folder,
        HostileOrigin(Path(folder), port=port, tls_port=tls_port, rate=told) as origin,
    ):
        played = [trick for trick in origin.tricks.values() if heavy or not trick.heavy]
        if job is not None:
            job.write_bytes(
                msgspec.json.encode(job_of(origin, played, images=images, bad_percent=bad_percent))
            )
        if urls:
            click.echo("\n".join(origin.url(trick.name) for trick in played))
        else:
            click.echo(table(origin))
            click.echo(hint(origin, job))
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


def table(origin: HostileOrigin) -> str:
    """Every trick with its URL and what a careful client concludes."""
    tricks = list(origin.tricks.values())
    rows = [("TRICK", "URL", "EXPECTED", "WHAT IT DOES")]
    rows += [(trick.name, origin.url(trick.name), conclusion(trick), trick.about) for trick in tricks]
    return "\n".join(_aligned(rows))


def conclusion(trick: Trick) -> str:
    """What is expected of a trick; in brackets of depth header, where that is something else."""
    text = str(trick.expected)
    return text if trick.of_head in (None, trick.expected) else f"{text} (header: {trick.of_head})"


def hint(origin: HostileOrigin, job: Path | None) -> str:
    """How a service is started that may fetch from here."""
    settings = {
        "ALLOWED_NETWORKS": NETWORK,
        "PORTS": origin.ports,
        "CA_FILE": str(origin.ca_file),
    }
    lines = ["", "A service that may fetch from here:", ""]
    lines += [f"  RETAILPULSE_FETCH_{name}={value} \\" for name, value in settings.items()]
    lines += ["  .venv/bin/retailpulse serve", ""]
    if job is not None:
        lines += [f"Then: curl -d @{job} http://127.0.0.1:9090/api/submit", ""]
    return "\n".join([*lines, "Ctrl-C ends it."])


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


if __name__ == "__main__":
    # Blocked before any thread starts, so that the signals wait for sigwait alone.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main(prog_name="make hostile")
