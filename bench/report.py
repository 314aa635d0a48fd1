"""The page and the JSON file of a bench: figures of every case, and what they were taken on.

The tables are Markdown, so that the page can be put into a document as it is.
"""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from bench.beside import Figure
from bench.keeping import CHECKOUT
from bench.limits import LARGE_BODY_BYTES
from bench.measuring import Measured
from retailpulse import __version__

PAGE_COLUMNS = 110
_SHOWN_KINDS = ("api", "worker", "decoder", "postgres", "origin")
_NOISY_SHARE = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Circumstances:
    """What the figures were taken on, and how."""

    taken_at: datetime
    code: str
    cpu: str
    cores: int
    memory_bytes: int
    kernel: str
    python: str
    origin: str
    connections: int
    runs: int
    seconds: float
    settings: dict[str, str]


def circumstances(
    *, origin: str, cores: int, connections: int, runs: int, seconds: float, settings: dict[str, str]
) -> Circumstances:
    """Looks at the machine and the code."""
    return Circumstances(
        taken_at=datetime.now(UTC).replace(microsecond=0),
        code=_code(),
        cpu=_cpu_model(),
        cores=cores,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=platform.release(),
        python=platform.python_version(),
        origin=origin,
        connections=connections,
        runs=runs,
        seconds=seconds,
        settings=settings,
    )


def print_page(
    found: Circumstances, measured: Sequence[Measured], figures: Sequence[Figure], console: Console
) -> None:
    """Prints the page."""
    settings = " ".join(f"{name}={text}" for name, text in found.settings.items()) or "all defaults"
    for line in (
        f"Retail Pulse {found.code}, {found.taken_at:%Y-%m-%d %H:%M} UTC",
        f"{found.cores} cores of {found.cpu}, {found.memory_bytes / 2**30:.0f} GiB,"
        f" Linux {found.kernel}, Python {found.python}",
        f"origin {found.origin} on the same cores, {found.connections} connections,"
        f" {found.cores} workers, {found.runs} runs of about {found.seconds:g} s; settings: {settings}",
    ):
        console.print(line)
    if measured:
        console.print(_rates(measured))
        console.print(_costs(measured))
    if figures:
        console.print(_figures(figures))
    for hint in _hints(found, measured):
        console.print(f"Note: {hint}")


def write_json(
    found: Circumstances, measured: Sequence[Measured], figures: Sequence[Figure], path: Path
) -> None:
    """Writes all figures of all runs, and their medians."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {"circumstances": found, "cases": [_as_json(case) for case in measured], "figures": figures}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def _rates(measured: Sequence[Measured]) -> Table:
    table = _table(
        "case", "images", "images/s", "min-max", "limit/s", "limit is", "of limit", "our CPU", "others'"
    )
    for case in measured:
        rates = [run.images_per_second for run in case.service]
        table.add_row(
            case.case.name,
            f"{case.service[0].images:,}",
            _count(case.median(lambda run: run.images_per_second)),
            f"{_count(min(rates))}-{_count(max(rates))}",
            _count(case.limit_rate),
            case.limit_name,
            f"{case.share_of_limit:.0%}",
            f"{case.median(lambda run: run.our_share):.0%}",
            f"{max(run.others_share for run in case.service):.0%}",
        )
    return table


def _costs(measured: Sequence[Measured]) -> Table:
    kinds = (f"{kind} us" for kind in _SHOWN_KINDS)
    table = _table("CPU per image", *kinds, "bytes fetched", "peak PSS")
    for case in measured:
        cpu = (statistics.median(run.cpu_us_per_image[kind] for run in case.service) for kind in _SHOWN_KINDS)
        table.add_row(
            case.case.name,
            *map(_count, cpu),
            _fetched(case),
            f"{max(run.peak_pss_bytes for run in case.service) / 1e6:,.0f} MB",
        )
    return table


def _figures(figures: Sequence[Figure]) -> Table:
    table = _table("case", "", "figure", "limit", "kept")
    for figure in figures:
        limit = "-" if figure.limit is None else f"{figure.limit:g}"
        kept = "-" if figure.limit is None else "yes" if figure.is_kept else "NO"
        value = f"{figure.value:,.2f}" if figure.unit != "MB" and figure.value < 100 else _count(figure.value)
        table.add_row(figure.case, figure.about, f"{value} {figure.unit}".strip(), limit, kept)
    return table


def _table(first: str, *columns: str) -> Table:
    table = Table(box=MARKDOWN, pad_edge=True)
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _hints(found: Circumstances, measured: Sequence[Measured]) -> list[str]:
    hints = []
    if not found.origin.startswith("nginx"):
        hints.append("nginx is not installed; with it (apt-get install nginx-light) the origin costs less.")
    if any(case.case.fetched_bytes <= LARGE_BODY_BYTES and case.fetch_tool != "wrk" for case in measured):
        hints.append("wrk is not installed; with it (apt-get install wrk) the limit is a stricter one.")
    if any(run.others_share > _NOISY_SHARE for case in measured for run in case.service):
        hints.append(
            "other programs used the same cores meanwhile: the figures are lower than they could be."
        )
    return hints


def _as_json(measured: Measured) -> dict[str, Any]:
    return {
        "name": measured.case.name,
        "case": measured.case,
        "fetch_tool": measured.fetch_tool,
        "images_per_second": measured.median(lambda run: run.images_per_second),
        "limit_images_per_second": measured.limit_rate,
        "share_of_limit": measured.share_of_limit,
        "service_runs": measured.service,
        "limit_runs": measured.limit,
    }


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _fetched(case: Measured) -> str:
    sent = [run.bytes_per_image for run in case.service if run.bytes_per_image is not None]
    return f"{max(sent):,.0f}" if sent else "unknown"


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


def _code() -> str:
    """The version, and the commit where this is a checkout."""
    command = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return f"{__version__} ({said})"
