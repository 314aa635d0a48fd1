"""`python -m bench`: the command line, the progress line, and a clean end whatever happens."""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import rich_click as click
from rich.console import Console

from bench.cases import BenchFailed
from bench.plan import PlanOptions, choose, run_plan
from bench.progress import progress_line
from bench.report import PAGE_COLUMNS, print_page, write_json

OUT = Path(__file__).parent / "out"
_INTERRUPTED = 130


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--runs", type=click.IntRange(1, 100), default=5, show_default=True, help="Runs of each case.")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 600),
    default=4.0,
    show_default=True,
    help="About how long one run of the service lasts.",
)
@click.option(
    "--only",
    default="",
    help="Depths (header, download, decode) and photos (10kB, 214kB, 12MP) to take, and other parts "
    "(submit, latency, backlog, workers, tabs; pages, of the dashboard, over 10 million results; observe, "
    "what metrics, logs and traces cost; capacity, what an image costs, for `retailpulse plan`); "
    "scheduling, or one of its cases (scheduling-urgent, ...); truth, or one of its parts (truth-recall, "
    "-copies, -upright, -cost, -service); or cases beside hosts that misbehave (dead-host, rate-limited, "
    "tricks, bombs, attack; hostile: all five).",
)
@click.option(
    "--images",
    type=click.IntRange(100, 100_000),
    default=5_000,
    show_default=True,
    help="Good images of dead-host, and as many dead ones.",
)
@click.option("--full", is_flag=True, help="Play the tricks at default limits of time: minutes.")
@click.option(
    "--photos",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of photos of one's own for truth, in place of drawn ones; the service gets drawn ones.",
)
@click.option(
    "--setting",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the service, without RETAILPULSE_; may be given several times.",
)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="File for the figures."
)
def main(
    runs: int,
    seconds: float,
    only: str,
    images: int,
    full: bool,
    photos: Path | None,
    settings: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Measure the service end to end, beside what the same cores could do at most.

    It uses nginx and wrk where they are installed (apt-get install nginx-light wrk): do that for figures that
    can be compared. Everything takes about 20 minutes on two cores.

    \b
    Examples:
      python -m bench                          everything but the hosts that misbehave
      python -m bench --runs 1 --seconds 2     the same in a hurry, about 5 minutes
      python -m bench --only header,10kB       one case
      python -m bench --only decode            all photos of a depth, about 3 minutes
      python -m bench --only submit,latency    two of the other parts, about 4 minutes
      python -m bench --only scheduling        who waits for what (give it --runs 1 in a hurry)
      python -m bench --only truth             which photos to trust: how surely it is told, and its cost
      python -m bench --only hostile           beside hosts that misbehave, over an hour
      python -m bench --only attack --runs 1   every trick among 2,000 good photos, about 10 minutes
      python -m bench --setting FETCH_PER_HOST=32 --setting MEASURE_DECODERS=2
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    path = json_file or OUT / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    try:
        plan = choose([word.strip() for word in only.split(",") if word.strip()])
        options = PlanOptions(
            cores=len(os.sched_getaffinity(0)),
            runs=runs,
            seconds=seconds,
            images=images,
            full=full,
            photos=photos,
            settings=_settings(settings),
        )
        with progress_line() as bar:
            outcome = run_plan(plan, options, bar)
    except BenchFailed as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("bench: interrupted; all that it started is stopped", err=True)
        sys.exit(_INTERRUPTED)
    print_page(outcome, Console(highlight=False, soft_wrap=True, width=PAGE_COLUMNS))
    write_json(outcome, path)
    click.echo(f"All figures: {path}", err=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _settings(given: tuple[str, ...]) -> dict[str, str]:
    parted = {f"RETAILPULSE_{name}": text for name, _, text in (one.partition("=") for one in given)}
    if any("=" not in one for one in given):
        raise BenchFailed("write settings like --setting FETCH_PER_HOST=32")
    return parted


if __name__ == "__main__":
    main()
