"""The page and the JSON file of a bench: every figure beside its limit and target, and what a case cost.

The tables are Markdown, so that the page can be put into a document as it is.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from bench.bar_chart import draw_bars
from bench.case_runner import Measured
from bench.environment import Environment
from bench.figures import Figure
from bench.plan import Outcome

PAGE_COLUMNS = 150
_SHOWN_KINDS = ("api", "worker", "decoder", "postgres", "origin")
_NOISY_SHARE = 0.05
_NOTHING = "-"


def print_page(outcome: Outcome, console: Console) -> None:
    """Prints the page."""
    for line in _heading(outcome.found):
        console.print(line, markup=False)
    console.print(_figures(outcome.figures))
    if outcome.measured:
        console.print(_costs(outcome.measured))
    for line in draw_bars(outcome.measured, outcome.found.cores):
        console.print(line, markup=False)
    judged = [figure.is_kept for figure in outcome.figures if figure.is_kept is not None]
    if judged:
        console.print(f"{sum(judged)} of {len(judged)} targets kept.")
    for hint in _hints(outcome):
        console.print(f"Note: {hint}")


def write_json(outcome: Outcome, path: Path) -> None:
    """Writes all figures of all runs, and their medians."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "circumstances": outcome.found,
        "figures": list(map(_figure_as_json, outcome.figures)),
        "cases": list(map(_case_as_json, outcome.measured)),
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def _heading(found: Environment) -> list[str]:
    settings = " ".join(f"{name}={text}" for name, text in found.settings.items()) or "all defaults"
    return [
        f"Retail Pulse {found.code}, {found.taken_at:%Y-%m-%d %H:%M} UTC: {found.command}",
        f"{found.cores} cores of {found.cpu}, {found.memory_bytes / 2**30:.0f} GiB,"
        f" Linux {found.kernel}, Python {found.python}",
        f"origin {found.origin} on the same cores, {found.connections} connections,"
        f" {found.cores} workers, {found.runs} runs of about {found.seconds:g} s; settings: {settings}",
    ]


def _figures(figures: Sequence[Figure]) -> Table:
    table = _table(
        "case", "figure", "median", "min-max", "limit", "limit is", "ratio", "min-max", "target", "kept"
    )
    for figure in figures:
        table.add_row(
            figure.case,
            figure.about,
            f"{_count(statistics.median(figure.runs))} {figure.unit}".strip(),
            _spread(figure.runs),
            _count(statistics.median(figure.limits)) if figure.limits else _NOTHING,
            figure.limit_name or _NOTHING,
            _count(figure.judged) if figure.ratios else _NOTHING,
            _spread(figure.ratios),
            str(figure.target or _NOTHING),
            {True: "yes", False: "NO", None: _NOTHING}[figure.is_kept],
        )
    return table


def _costs(measured: Sequence[Measured]) -> Table:
    kinds = (f"{kind} us" for kind in _SHOWN_KINDS)
    table = _table("CPU per image", *kinds, "bytes fetched", "peak PSS", "images", "our CPU", "others'")
    for case in measured:
        cpu = (statistics.median(run.cpu_us_per_image[kind] for run in case.service) for kind in _SHOWN_KINDS)
        table.add_row(
            case.case.name,
            *map(_count, cpu),
            _fetched(case),
            f"{max(run.peak_pss_bytes for run in case.service) / 1e6:,.0f} MB",
            f"{case.service[0].images:,}",
            f"{case.median(lambda run: run.our_share):.0%}",
            f"{max(run.others_share for run in case.service):.0%}",
        )
    return table


def _table(first: str, *columns: str) -> Table:
    table = Table(box=MARKDOWN, pad_edge=True)
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _hints(outcome: Outcome) -> list[str]:
    hints = []
    if not outcome.found.origin.startswith("nginx"):
        hints.append("nginx is not installed; with it (apt-get install nginx-light) the origin costs less.")
    if not outcome.found.wrk:
        hints.append("wrk is not installed; with it (apt-get install wrk) the limits are stricter ones.")
    if any(run.others_share > _NOISY_SHARE for case in outcome.measured for run in case.service):
        hints.append(
            "other programs used the same cores meanwhile: the figures are lower than they could be."
        )
    return hints


def _figure_as_json(figure: Figure) -> dict[str, Any]:
    return {
        "case": figure.case,
        "figure": figure.about,
        "unit": figure.unit,
        "median": statistics.median(figure.runs),
        "limit_is": figure.limit_name or None,
        "limit_median": statistics.median(figure.limits) if figure.limits else None,
        "ratio_median": figure.judged if figure.ratios else None,
        "target": None if figure.target is None else str(figure.target),
        "kept": figure.is_kept,
        "runs": figure.runs,
        "limit_runs": figure.limits,
        "ratio_runs": figure.ratios,
    }


def _case_as_json(measured: Measured) -> dict[str, Any]:
    return {
        "name": measured.case.name,
        "case": measured.case,
        "fetch_tool": measured.fetch_tool,
        "service_runs": measured.service,
        "limit_runs": measured.limit,
    }


def _count(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _spread(values: Sequence[float]) -> str:
    return f"{_count(min(values))}-{_count(max(values))}" if values else _NOTHING


def _fetched(case: Measured) -> str:
    sent = [run.bytes_per_image for run in case.service if run.bytes_per_image is not None]
    return f"{max(sent):,.0f}" if sent else "unknown"
