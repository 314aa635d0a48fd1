"""`python -m bench`: the command line, the progress line, and a clean end whatever happens."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench import bombs, dead_host, rate_limited, tricks
from bench.beside import Figure, Street
from bench.cases import BenchFailed, Case, choose_cases
from bench.measuring import Bench, Measured
from bench.origin import Origin, running_origin
from bench.report import PAGE_COLUMNS, Circumstances, circumstances, print_page, write_json
from bench.serving import connections

HOSTILE = {module.NAME: module.measure for module in (dead_host, rate_limited, tricks, bombs)}
OUT = Path(__file__).parent / "out"
_INTERRUPTED = 130


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--runs", type=click.IntRange(1, 100), default=3, show_default=True, help="Runs of each case.")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 600),
    default=6.0,
    show_default=True,
    help="About how long one run of the service lasts.",
)
@click.option(
    "--only",
    default="",
    help="Depths (header, download, decode) and photos (10kB, 12MP) to take; or cases beside hosts that "
    "misbehave (dead-host, rate-limited, tricks, bombs; hostile: all four).",
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
    settings: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Measure images per second end to end, beside what the same cores could do at most.

    \b
    Examples:
      python -m bench                          all depths and photos, 3 runs, about 4 minutes
      python -m bench --runs 5                 the same, with a better median
      python -m bench --only header,10kB       one case
      python -m bench --only decode --seconds 3
      python -m bench --only hostile           beside hosts that misbehave, about 15 minutes
      python -m bench --only dead-host --runs 1
      python -m bench --setting FETCH_PER_HOST=32 --setting WORKER_CHUNKS=8
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    path = json_file or OUT / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    console = Console(highlight=False, soft_wrap=True, width=PAGE_COLUMNS)
    try:
        words = [word.strip() for word in only.split(",") if word.strip()]
        hostile = _choose_hostile(words)
        cases = [] if hostile else choose_cases(words)
        found, measured, figures = _measure(cases, hostile, runs, seconds, images, full, _settings(settings))
    except BenchFailed as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("bench: interrupted; all that it started is stopped", err=True)
        sys.exit(_INTERRUPTED)
    print_page(found, measured, figures, console)
    write_json(found, measured, figures, path)
    click.echo(f"All figures: {path}", err=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _settings(given: tuple[str, ...]) -> dict[str, str]:
    parted = {f"RETAILPULSE_{name}": text for name, _, text in (one.partition("=") for one in given)}
    if any("=" not in one for one in given):
        raise BenchFailed("write settings like --setting FETCH_PER_HOST=32")
    return parted


def _choose_hostile(words: list[str]) -> list[str]:
    """The cases beside misbehaving hosts that are named; they are not mixed with the others."""
    named = [name for name in HOSTILE if name in words or "hostile" in words]
    if named and set(words) - {*HOSTILE, "hostile"}:
        raise BenchFailed("cases beside hosts that misbehave are not run together with depths and photos")
    return named


def _measure(
    cases: list[Case],
    hostile: list[str],
    runs: int,
    seconds: float,
    images: int,
    full: bool,
    settings: dict[str, str],
) -> tuple[Circumstances, list[Measured], list[Figure]]:
    cores = len(os.sched_getaffinity(0))
    with ExitStack() as stack:
        bar = stack.enter_context(_progress())
        bar.show("drawing the photos", 0)
        origin = stack.enter_context(running_origin(cores))
        bench = Bench(
            origin=origin, cores=cores, runs=runs, seconds=seconds, settings=settings, show=bar.show
        )
        street = Street(
            origin=origin,
            cores=cores,
            runs=runs,
            images=images,
            full=full,
            settings=settings,
            show=bar.show,
        )
        measured = []
        for number, case in enumerate(cases):
            bar.place = f"{number + 1}/{len(cases)}"
            measured.append(bench.measure(case))
        figures = []
        for number, name in enumerate(hostile):
            bar.place = f"{number + 1}/{len(hostile)}"
            figures += HOSTILE[name](street)
        return _describe(bench, origin), measured, figures


def _describe(bench: Bench, origin: Origin) -> Circumstances:
    return circumstances(
        origin=origin.name,
        cores=bench.cores,
        connections=connections(bench.cores, bench.settings),
        runs=bench.runs,
        seconds=bench.seconds,
        settings=dict(bench.settings),
    )


class _Bar:
    """One progress line; without a terminal, a plain line per step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=1.0)
        self._words = ""
        self.place = ""

    def show(self, words: str, share: float) -> None:
        """Show what is being done, and how far it is."""
        console = self._progress.console
        if words != self._words and not console.is_terminal:
            console.print(f"[{self.place}] {words}", markup=False)
        self._words = words
        self._progress.update(self._task, description=f"{self.place} {words}", completed=share)


@contextmanager
def _progress() -> Iterator[_Bar]:
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Bar(progress)


if __name__ == "__main__":
    main()
