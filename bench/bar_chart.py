"""Draws where the time of one image goes: a bar of text per case, as long as the cores were busy with it."""

import statistics
from collections.abc import Iterator, Sequence

from bench.case_runner import Measured

BAR_COLUMNS = 60
_FILLS = {"worker": "█", "decoder": "▓", "postgres": "▒", "origin": "░", "api": "o"}
_REST = "."


def draw_bars(measured: Sequence[Measured], cores: int) -> list[str]:
    """A legend and a line per case; a whole bar is the time that all cores have for an image at its rate."""
    if not measured:
        return []
    legend = ", ".join(f"{fill} {kind}" for kind, fill in _FILLS.items())
    lines = [f"Time of {cores} cores per image: {legend}, {_REST} idle, bench and others"]
    return [*lines, *(f"{case.case.name:<15}{_bar(case, cores)}" for case in measured)]


def _bar(case: Measured, cores: int) -> str:
    whole_us = cores * 1e6 / case.median(lambda run: run.images_per_second)
    drawn = "".join(_parts(case, whole_us)).ljust(BAR_COLUMNS, _REST)
    return f"{drawn[:BAR_COLUMNS]} {whole_us:,.0f} us"


def _parts(case: Measured, whole_us: float) -> Iterator[str]:
    """The part of each kind; what is cut off one by rounding is left to the next."""
    drawn, spent_us = 0, 0.0
    for kind, fill in _FILLS.items():
        spent_us += statistics.median(run.cpu_us_per_image[kind] for run in case.service)
        columns = round(BAR_COLUMNS * spent_us / whole_us) - drawn
        drawn += columns
        yield fill * columns
