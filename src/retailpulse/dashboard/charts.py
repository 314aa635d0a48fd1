"""Figures of the dashboard as numbers for SVG: widths in percent, columns of a chart. Templates draw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from retailpulse.dashboard import words
from retailpulse.storage.metrics.throughput import SettledPeriod

_LEAST_SEEN = 2.0
"""Percent: failures are never drawn narrower."""
_STEPS = (1, 2, 5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A bar: what is measured, and what failed behind it, in percent of its width."""

    measured: float
    failed: float
    failed_at: float


def progress(measured: int, failed: int, total: int) -> Progress:
    """The bar of a job; a failure among a million can still be seen."""
    if total == 0:
        return Progress(measured=0, failed=0, failed_at=0)
    failed_width = max(_LEAST_SEEN, 100 * failed / total) if failed else 0.0
    measured_width = min(100 * measured / total, 100 - failed_width)
    return Progress(
        measured=round(measured_width, 2), failed=round(failed_width, 2), failed_at=round(measured_width, 2)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A line of a list of bars; its width in percent of the longest."""

    name: str
    count: int
    width: float


def bars(counts: Mapping[str, int], most: int = 6) -> tuple[list[Bar], int, int]:
    """The most frequent as bars; of how many others nothing is shown, and what they add up to."""
    ordered = sorted(((name, n) for name, n in counts.items() if n), key=lambda one: (-one[1], one[0]))
    longest = ordered[0][1] if ordered else 1
    shown = [Bar(name=name, count=n, width=max(1.0, 100 * n / longest)) for name, n in ordered[:most]]
    others = ordered[most:]
    return shown, len(others), sum(n for _, n in others)


SPARK_WIDTH, SPARK_HEIGHT = 64.0, 22.0
"""The size of a sparkline in its own units."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sparkline:
    """A line without an axis: its points as SVG writes them, and the height of the last one from above."""

    points: str
    last: float


def sparkline(values: Sequence[float]) -> Sparkline | None:
    """Values from the oldest to the newest; None if there is nothing to see."""
    peak = max(values, default=0)
    if peak <= 0 or len(values) < 2:
        return None
    heights = [round(SPARK_HEIGHT * (1 - value / peak), 1) for value in values]
    step = SPARK_WIDTH / (len(values) - 1)
    points = " ".join(f"{step * place:.1f},{height}" for place, height in enumerate(heights))
    return Sparkline(points=points, last=heights[-1])


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of a chart: heights in percent of the axis, and what it stands for."""

    at: datetime
    x: float
    measured: float
    failed: float
    measured_count: int
    failed_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Columns over time, the values at the axis, and the width of a column in percent."""

    name: str
    said: str
    columns: Sequence[Column]
    top: float
    width: float

    @property
    def rates(self) -> list[float]:
        """The height of each column."""
        return [column.measured + column.failed for column in self.columns]

    @property
    def failure_shares(self) -> list[float]:
        """Which part of the images of each column failed; of one without images none."""
        return [column.failed / (column.measured + column.failed or 1) for column in self.columns]


def throughput(name: str, minutes: Sequence[SettledPeriod], seconds: int) -> Chart:
    """Images a second by period; `seconds` is how long each period is, `name` what they are together."""
    peak = max((one.measured + one.failed for one in minutes), default=0) / seconds
    top = _round_up(peak)
    width = 100 / max(1, len(minutes))
    columns = [
        Column(
            at=one.begins_at,
            x=round(place * width, 3),
            measured=round(100 * one.measured / seconds / top, 2),
            failed=round(100 * one.failed / seconds / top, 2),
            measured_count=one.measured,
            failed_count=one.failed,
        )
        for place, one in enumerate(minutes)
    ]
    return Chart(
        name=name,
        said=_said(name, minutes, seconds),
        columns=columns,
        top=top,
        width=round(width * 0.8, 3),
    )


def _said(name: str, minutes: Sequence[SettledPeriod], seconds: int) -> str:
    """What the chart shows, in words: its range, now, the dips, and what failed."""
    rates = [(one.measured + one.failed) / seconds for one in minutes] or [0.0]
    measured, failed = sum(one.measured for one in minutes), sum(one.failed for one in minutes)
    idle = sum(rate == 0 for rate in rates)
    dips = "never idle" if not idle else f"idle in {idle} of {len(rates)} columns"
    return (
        f"Images a second over the last {name}: {words.rate(rates[-1])} now,"
        f" {words.rate(max(rates))} at most, {dips};"
        f" {words.count(measured)} measured, {words.count(failed)} failed"
    )


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, ... above a value."""
    power = 0.1
    while True:
        for step in _STEPS:
            if step * power >= value and step * power >= 1:
                return step * power
        power *= 10
