"""A figure: what each run showed, what each is compared with, and whether the target is kept.

Every part of the bench ends in a list of these; how they look on the page is `report`'s.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What is wanted of a figure."""

    value: float
    is_least: bool

    def __str__(self) -> str:
        return f"{'>=' if self.is_least else '<='} {self.value:,g}"


def at_least(value: float) -> Target:
    """The figure should not be under it."""
    return Target(value=value, is_least=True)


def at_most(value: float) -> Target:
    """The figure should not be over it."""
    return Target(value=value, is_least=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One line of the page.

    `limits` has, for each run, what was reached beside it by what `limit_name` says; it is empty where a
    figure stands for itself. The target is one of the ratio to the limit, or of the bare figure without.
    """

    case: str
    about: str
    runs: Sequence[float]
    unit: str = ""
    limits: Sequence[float] = ()
    limit_name: str = ""
    target: Target | None = None

    @property
    def ratios(self) -> list[float]:
        """Each run over the limit beside it."""
        return [run / limit for run, limit in zip(self.runs, self.limits, strict=True)] if self.limits else []

    @property
    def judged(self) -> float:
        """The median of what the target is about."""
        return statistics.median(self.ratios or self.runs)

    @property
    def is_kept(self) -> bool | None:
        """Whether the target is kept; None where there is none."""
        if self.target is None:
            return None
        wanted = self.target.value
        return self.judged >= wanted if self.target.is_least else self.judged <= wanted
