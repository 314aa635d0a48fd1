"""How the numbers of photos are distributed, and what each threshold of the settings would flag.

Counts by value, so that a million photos take no more memory than a thousand. Weak: what a photo is flagged
for besides (dark by its mean, overexposed by its darkest parts, blank by its contrast) is not counted.
"""

import heapq
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count
from typing import NamedTuple

import msgspec

from retailpulse.client import Result
from retailpulse.config.loading import Loaded, variable
from retailpulse.schema.reasons import number_of

SHARES = tuple(step / 10 for step in range(11))
"""Those of the deciles, the least and the largest value among them."""
FACTORS = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)
"""Around the value of a setting."""
BINS = 10
_EXAMPLES = 3
_MOST_VALUES = 20_000


class Threshold(NamedTuple):
    """What is flagged below, or above, the value of a setting.

    Below the value of the field `unless_below` a photo has the flag of that one instead.
    """

    flag: str
    room: str
    field: str
    is_below: bool
    unless_below: str | None = None


class Dial(NamedTuple):
    """A number of a photo, in steps of `step`, and the thresholds that it is held against."""

    name: str
    step: float
    thresholds: tuple[Threshold, ...] = ()


DIALS = (
    Dial(
        "sharpness",
        0.001,
        (
            Threshold("blurred", "measure", "blurred_below", is_below=True),
            Threshold("soft", "measure", "soft_below", is_below=True, unless_below="blurred_below"),
        ),
    ),
    Dial("brightness", 1),
    Dial("brightness_p95", 1, (Threshold("dark", "measure", "dark_below", is_below=True),)),
    Dial("blown", 0.0001, (Threshold("overexposed", "measure", "overexposed_above", is_below=False),)),
    Dial("content", 0.001, (Threshold("blank", "measure", "blank_below", is_below=True),)),
    Dial("contrast", 1),
    Dial(
        "hours_from_visit",
        0.1,
        (Threshold("time_mismatch", "measure", "time_mismatch_hours", is_below=False),),
    ),
    Dial(
        "store_distance_m",
        1,
        (Threshold("far_from_store", "measure", "far_from_store_meters", is_below=False),),
    ),
)
"""All numbers that are looked at. Only the size of a number counts, not its sign."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A photo to look at."""

    value: float
    job_id: str
    image_no: int
    store_id: str
    image_url: str
    flags: list[str]


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """How many photos have a value from `low` up to `high`."""

    low: float
    high: float
    photos: int


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """How many photos a threshold would flag."""

    at: float
    photos: int
    share: float


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold as it is set, what others would flag, and the photos that are next to it on both sides."""

    setting: str
    value: float
    flag: str
    is_below: bool
    effects: list[Effect]
    just_flagged: list[Example]
    just_not_flagged: list[Example]


class Calibrated(msgspec.Struct, frozen=True, kw_only=True):
    """The distribution of one number."""

    name: str
    photos: int
    deciles: list[float]
    histogram: list[Bin]
    lowest: list[Example]
    highest: list[Example]
    thresholds: list[Judged]


class Distribution:
    """The values of one number, one photo after the other."""

    def __init__(self, dial: Dial, settings: Loaded) -> None:
        self._dial = dial
        self._step = dial.step
        self._counts: Counter[int] = Counter()
        self._set, self._floors = {}, {}
        for threshold in dial.thresholds:
            room, other = getattr(settings.settings, threshold.room), threshold.unless_below
            self._set[threshold] = float(getattr(room, threshold.field))
            self._floors[threshold] = -math.inf if other is None else float(getattr(room, other))
        self._lowest, self._highest = _Nearest(), _Nearest()
        self._near: Mapping[Threshold, tuple[_Nearest, _Nearest]] = {
            threshold: (_Nearest(), _Nearest()) for threshold in dial.thresholds
        }

    def add(self, row: Result, job_id: str) -> None:
        """Count a photo, unless this number of it is not known."""
        number = number_of(row, self._dial.name)
        if number is None or (self._dial.name == "sharpness" and "blank" in row.flags):
            return  # a blank photo is never called blurred
        value = abs(number)
        self._counts[round(value / self._step)] += 1
        if len(self._counts) > _MOST_VALUES:
            self._halve()
        self._lowest.add(value, value, row, job_id)
        self._highest.add(-value, value, row, job_id)
        for threshold, at in self._set.items():
            if value < self._floors[threshold]:
                continue
            flagged = value < at if threshold.is_below else value > at
            self._near[threshold][0 if flagged else 1].add(abs(value - at), value, row, job_id)

    def result(self) -> Calibrated:
        """The distribution, as far as it was counted."""
        ordered = [(steps * self._step, photos) for steps, photos in sorted(self._counts.items())]
        return Calibrated(
            name=self._dial.name,
            photos=self._counts.total(),
            deciles=_deciles(ordered),
            histogram=_histogram(ordered),
            lowest=self._lowest.examples(),
            highest=self._highest.examples(),
            thresholds=[self._judged(threshold, ordered) for threshold in self._set],
        )

    def _judged(self, threshold: Threshold, ordered: list[tuple[float, int]]) -> Judged:
        flagged, others = self._near[threshold]
        value, total = self._set[threshold], max(1, self._counts.total())
        floor = self._floors[threshold] - self._step / 2
        effects = []
        for at in dict.fromkeys(_rounded(value * factor) for factor in FACTORS):
            photos = sum(
                n
                for number, n in ordered
                if number >= floor and _is_flagged(number, at, self._step, threshold)
            )
            effects.append(Effect(at=at, photos=photos, share=round(photos / total, 6)))
        return Judged(
            setting=variable(threshold.room, threshold.field),
            value=value,
            flag=threshold.flag,
            is_below=threshold.is_below,
            effects=effects,
            just_flagged=flagged.examples(),
            just_not_flagged=others.examples(),
        )

    def _halve(self) -> None:
        """Twice as coarse, so that a number without bounds takes no more memory."""
        coarser: Counter[int] = Counter()
        for steps, photos in self._counts.items():
            coarser[steps // 2] += photos
        self._counts, self._step = coarser, self._step * 2


class _Nearest:
    """The few photos of which some distance is least; of equal ones, those that came first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Example]] = []  # the farthest is at its root
        self._numbers = count()

    def add(self, distance: float, value: float, row: Result, job_id: str) -> None:
        if len(self._heap) == _EXAMPLES and -self._heap[0][0] <= distance:
            return
        example = Example(
            value=value,
            job_id=job_id,
            image_no=row.image_no,
            store_id=row.store_id,
            image_url=row.image_url,
            flags=list(row.flags),
        )
        heapq.heappush(self._heap, (-distance, -next(self._numbers), example))
        if len(self._heap) > _EXAMPLES:
            heapq.heappop(self._heap)

    def examples(self) -> list[Example]:
        return [example for *_, example in sorted(self._heap, reverse=True)]


def _is_flagged(number: float, at: float, step: float, threshold: Threshold) -> bool:
    """With half a step to spare, as a counted value stands for all that are rounded to it."""
    return number < at - step / 2 if threshold.is_below else number > at + step / 2


def _deciles(ordered: list[tuple[float, int]]) -> list[float]:
    total = sum(photos for _, photos in ordered)
    return [_rounded(_at_rank(ordered, share * (total - 1))) for share in SHARES] if total else []


def _at_rank(ordered: list[tuple[float, int]], rank: float) -> float:
    passed = 0
    for number, photos in ordered:
        passed += photos
        if passed > rank:
            return number
    return ordered[-1][0]


def _histogram(ordered: list[tuple[float, int]]) -> list[Bin]:
    if not ordered:
        return []
    low, high = ordered[0][0], ordered[-1][0]
    width = (high - low) / BINS
    counts: Counter[int] = Counter()
    for number, photos in ordered:
        counts[min(BINS - 1, int((number - low) / width)) if width else 0] += photos
    return list(_bins(low, width, counts))


def _bins(low: float, width: float, counts: Counter[int]) -> Iterator[Bin]:
    for number in range(BINS if width else 1):
        begin = low + number * width
        yield Bin(low=_rounded(begin), high=_rounded(begin + width), photos=counts[number])


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")
