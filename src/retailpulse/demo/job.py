"""The job of the demo: visits to sample stores, photos good and bad, and what should come of them.

Every image is a photo of its own: a few are drawn one by one, most are put together when they are asked for
(`recipes`). Running the job is not here, nor what goes wrong in it (`trouble`).
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from retailpulse.demo.album import ALBUM, Photo
from retailpulse.demo.dice import Dice
from retailpulse.demo.exif import Capture
from retailpulse.demo.gondolas import GONDOLAS, Gondola
from retailpulse.demo.recipes import Recipe
from retailpulse.domain.images import Cause
from retailpulse.samples import sample_stores

_OFFSETS = {"7100037": timedelta(0), "7100041": timedelta(hours=4)}  # by area; the others are in India
_INDIA = timedelta(hours=5, minutes=30)
_SINGLE_EVERY = 2  # photos that are drawn one by one stand between the others until there are no more
_PLACED_EVERY = 4  # one of these has no place: not every phone tells it
_NEAR = 0.0003  # degrees: as exact as a phone is

Make = Callable[["Builder", Capture], str]
"""Puts one more image into the job, taken so, and returns its URL."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BadPhoto:
    """An image that is to have at least these flags; `original` is the image that it is a copy of."""

    image_no: int
    flags: frozenset[str]
    original: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoJob:
    """A submit body, what its photos are made of, and what the service is expected to make of them."""

    body: Mapping[str, Any]
    images: int
    causes: Mapping[str, int]
    perimeters: Mapping[str, int] = field(repr=False)  # by URL, of the images that are to be measured
    bad: Sequence[BadPhoto] = ()
    drawn: Sequence[Photo] = field(default=(), repr=False)
    recipes: Mapping[str, Recipe] = field(default_factory=dict, repr=False)  # by file name

    @property
    def gondolas(self) -> Sequence[Gondola]:
        """What recipes take their photos from."""
        used = {recipe.gondola for recipe in self.recipes.values()}
        return [gondola for gondola in GONDOLAS if gondola.name in used]

    @property
    def failed(self) -> int:
        """How many images are to fail."""
        return sum(self.causes.values())


class Builder:
    """A job that grows by visits."""

    def __init__(self, *, origin: str, now: datetime) -> None:
        self.dice = Dice(2026)
        self.stores = {row["StoreID"]: row for row in csv.DictReader(sample_stores().splitlines())}
        self.visits: list[dict[str, Any]] = []
        self.images = 0
        self.bad: list[BadPhoto] = []
        self._causes: Counter[str] = Counter()
        self._perimeters: dict[str, int] = {}
        self._drawn: dict[str, Photo] = {}
        self._recipes: dict[str, Recipe] = {}
        self._taken: Counter[str] = Counter()
        self._album = iter(ALBUM)
        self._origin = origin
        self._now = now

    def visit(self, store_id: str, makes: Sequence[Make], *, days_ago: int | None = None) -> None:
        """One visit, at some time of day in the last 30 days, with an image of each kind."""
        days = self.dice.whole(0, 20) if days_ago is None else days_ago
        time = self._now - timedelta(days=days, minutes=self.dice.whole(0, 600))
        urls: list[str] = []
        self.visits.append({
            "store_id": store_id, "image_url": urls, "visit_time": time.isoformat(timespec="seconds")
        })  # fmt: skip
        for make in makes:
            self.images += 1
            urls.append(make(self, self._capture(store_id, time)))

    def good(self, capture: Capture) -> str:
        """An image that is fine: one of those that are drawn one by one, or one of a gondola."""
        single = next(self._album, None) if len(self._perimeters) % _SINGLE_EVERY == 0 else None
        return self.draw(replace(single, capture=capture)) if single else self.compose(capture)

    def draw(self, photo: Photo) -> str:
        """An image that is drawn by itself and is to be measured."""
        self._drawn[photo.name] = photo
        return self._measured(photo.name, photo.perimeter)

    def compose(self, capture: Capture) -> str:
        """An image of a gondola that no other image shows so."""
        gondola = self.dice.pick(GONDOLAS)
        number = self._taken[gondola.name]
        self._taken[gondola.name] += 1
        name = f"{gondola.name}-{number + 1:04}.jpg"
        self._recipes[name] = Recipe(gondola=gondola.name, number=number, capture=capture)
        return self._measured(name, gondola.perimeter)

    def failing(self, path: str, cause: Cause) -> str:
        """An image that is expected to fail for this cause."""
        self._causes[str(cause)] += 1
        return f"{self._origin}/{path}"

    def expect(self, *flags: str, original: int | None = None) -> None:
        """The image that is being put in is to be flagged."""
        self.bad.append(BadPhoto(image_no=self.images, flags=frozenset(flags), original=original))

    def finished(self) -> DemoJob:
        """The job as it now is."""
        return DemoJob(
            body={"count": len(self.visits), "visits": self.visits},
            images=self.images,
            causes=dict(self._causes),
            perimeters=self._perimeters,
            bad=self.bad,
            drawn=list(self._drawn.values()),
            recipes=self._recipes,
        )

    def _measured(self, name: str, perimeter: int) -> str:
        url = f"{self._origin}/photos/{name}"
        self._perimeters[url] = perimeter
        return url

    def _capture(self, store_id: str, visited: datetime) -> Capture:
        """Taken at the store, a few minutes before its visit was noted."""
        store = self.stores.get(store_id)
        zone = timezone(_OFFSETS.get(store["AreaCode"], _INDIA) if store else _INDIA)
        taken_at = (visited - timedelta(minutes=self.dice.between(0, 20))).astimezone(zone)
        if store is None or self.dice.whole(1, _PLACED_EVERY) == 1:
            return Capture(taken_at=taken_at)
        north, east = (
            float(store[axis]) + self.dice.between(-_NEAR, _NEAR) for axis in ("Latitude", "Longitude")
        )
        return Capture(taken_at=taken_at, place=(north, east))


def fill(builder: Builder, images: int) -> None:
    """Good visits to all stores, over and over, until the job has this many images."""
    for store_id in _round_and_round(list(builder.stores)):
        left = images - builder.images
        if left <= 0:
            break
        builder.visit(store_id, [Builder.good] * min(left, builder.dice.whole(1, 8)))


def _round_and_round(stores: Sequence[str]) -> Iterator[str]:
    while True:
        yield from stores
