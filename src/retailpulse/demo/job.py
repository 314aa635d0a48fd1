"""The job of the demo: visits to sample stores, photos good and bad, and what should come of them.

Every image has a URL of its own although they are served from a few files. Running the job is not here.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from retailpulse.demo.album import Photo
from retailpulse.demo.dice import Dice
from retailpulse.demo.sample import sample_stores
from retailpulse.domain.images import Cause, Format

CUT_FILE = "cut-upload.jpg"
"""A photo whose upload broke off: the server sends all it has, and it ends in the middle."""

TEXT_FILE = "not-a-photo.jpg"
"""A text file with a photo's name and a photo's content type."""

UNKNOWN_STORE = "RP99999"

_OTHERS_EVERY = 8  # most phones send JPEG, and the others take far longer to decode


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoJob:
    """A submit body and what the service is expected to make of it."""

    body: Mapping[str, Any]
    images: int
    causes: Mapping[str, int]
    perimeters: Mapping[str, int] = field(repr=False)  # by URL, of the images that are to be measured

    @property
    def failed(self) -> int:
        """How many images are to fail."""
        return sum(self.causes.values())


def build_job(*, origin: str, images: int, photos: Sequence[Photo], now: datetime) -> DemoJob:
    """A job of exactly `images` images on `origin`, visits spread over the month before `now`."""
    builder = _Builder(origin=origin, photos=photos, now=now)
    builder.trouble()
    stores = [row["StoreID"] for row in csv.DictReader(sample_stores().splitlines())]
    for store_id in _round_and_round(stores):
        left = images - builder.images
        if left <= 0:
            break
        builder.visit(store_id, [builder.good() for _ in range(min(left, builder.dice.whole(1, 8)))])
    return DemoJob(
        body={"count": len(builder.visits), "visits": builder.visits},
        images=builder.images,
        causes=dict(builder.causes),
        perimeters=builder.perimeters,
    )


def _round_and_round(stores: Sequence[str]) -> Iterator[str]:
    while True:
        yield from stores


class _Builder:
    def __init__(self, *, origin: str, photos: Sequence[Photo], now: datetime) -> None:
        self.dice = Dice(2026)
        self.visits: list[dict[str, Any]] = []
        self.images = 0
        self.causes: Counter[str] = Counter()
        self.perimeters: dict[str, int] = {}
        self._origin = origin
        self._photos = photos
        self._jpegs = [photo for photo in photos if photo.format is Format.JPEG]
        self._others = [photo for photo in photos if photo.format is not Format.JPEG]
        self._now = now
        self._urls = 0

    def trouble(self) -> None:
        """The visits that hold what goes wrong in the field."""
        cut_on_the_way = f"cut/{self._jpegs[0].name}"
        self.visit("RP00001", [self.good(), self.good()])
        self.visit(UNKNOWN_STORE, [self.bad(f"photos/{self._photos[0].name}", Cause.STORE_ID_NOT_FOUND)])
        missing, text = self.bad("missing/photo.jpg", Cause.HTTP_STATUS), f"photos/{TEXT_FILE}"
        self.visit("RP00007", [self.good(), missing, self.bad(text, Cause.UNSUPPORTED_FORMAT)])
        cut_file = self.bad(f"photos/{CUT_FILE}", Cause.TRUNCATED)
        self.visit("RP00012", [self.good(), cut_file, self.bad(cut_on_the_way, Cause.TRUNCATED)])

    def visit(self, store_id: str, urls: list[str]) -> None:
        """One visit, at some time of day in the last 30 days."""
        ago = timedelta(days=self.dice.whole(0, 29), minutes=self.dice.whole(0, 600))
        time = (self._now - ago).isoformat(timespec="seconds")
        self.visits.append({"store_id": store_id, "image_url": urls, "visit_time": time})
        self.images += len(urls)

    def good(self) -> str:
        """The URL of a photo that is fine."""
        turn, place = divmod(len(self.perimeters), _OTHERS_EVERY)
        photo = self.dice.pick(self._jpegs) if place else self._others[turn % len(self._others)]
        url = self._url(f"photos/{photo.name}")
        self.perimeters[url] = photo.perimeter
        return url

    def bad(self, path: str, cause: Cause) -> str:
        """The URL of an image that is expected to fail for this cause."""
        self.causes[str(cause)] += 1
        return self._url(path)

    def _url(self, path: str) -> str:
        self._urls += 1
        return f"{self._origin}/{path}?image={self._urls}"
