"""Breaks a running service at random for as long as wanted: `python -m tests.soak --minutes 30 --seed 7`."""

import os
import secrets
import sys
from pathlib import Path

import click
import msgspec
import pytest

from tests.faults.conftest import LONG
from tests.soak.run import Wishes, soak

EXAMPLES = """\b
Examples:
  make soak                                       ten minutes, another seed each time
  make soak ARGS="--minutes 60 --seed 7"          an hour, the faults of seed 7
  make soak ARGS="--rows --json soak.json"        first each fault by itself, in its long form
"""


@click.command(epilog=EXAMPLES, context_settings={"max_content_width": 110})
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(min=0.1), help="How long.")
@click.option("--seed", type=int, help="Which faults and jobs are drawn.  [default: at random]")
@click.option("--jobs", default=10, show_default=True, type=click.IntRange(1), help="Jobs at a time.")
@click.option(
    "--images", default=5_000, show_default=True, type=click.IntRange(1), help="Images of each job."
)
@click.option("--rows", is_flag=True, help="First test every fault by itself, in its long form.")
@click.option(
    "--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here."
)
def main(minutes: float, seed: int | None, jobs: int, images: int, rows: bool, file: Path | None) -> None:
    """Run the service under load while a random fault hits it every few seconds; say what did not hold.

    The exit code is 1 where anything is off. The same seed gives the same jobs and the same order of faults.
    """
    seed = secrets.randbelow(1 << 32) if seed is None else seed
    click.echo(f"seed {seed}: {minutes:g} minutes, {jobs} jobs of {images:,} images at a time")
    code = _rows() if rows else 0
    report = soak(Wishes(seed=seed, seconds=60 * minutes, jobs=jobs, images=images), click.echo)
    click.echo("\n".join(report.lines()))
    again = f"--minutes {minutes:g} --seed {seed} --jobs {jobs} --images {images}"
    click.echo(f'The same again: make soak ARGS="{again}"')
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(report.as_data())))
    sys.exit(1 if code or report.problems else 0)


def _rows() -> int:
    """Tests every fault by itself, as long as it lasts outside of tests."""
    os.environ[LONG] = "1"
    folder = Path(__file__).parents[1] / "faults"
    return int(pytest.main([str(folder), "--timeout=0", f"--ignore={folder / 'test_random_mix.py'}"]))


if __name__ == "__main__":
    main(prog_name="make soak")
