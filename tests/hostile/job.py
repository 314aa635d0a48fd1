"""A job over the hostile origin: the body of a submit that mixes good photos with tricks, evenly.

Its stores are those of the sample store master. What should come of it stands in the catalogue.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Any

from retailpulse.samples import sample_stores
from tests.hostile.origin import HostileOrigin
from tests.hostile.trick import Trick

_IMAGES_PER_VISIT = 5


def job_of(
    origin: HostileOrigin, tricks: Sequence[Trick], *, images: int, bad_percent: int
) -> dict[str, Any]:
    """The body of a submit with so many images, each of a URL of its own."""
    urls = list(islice(_urls(origin, tricks, bad_percent), images))
    stores = cycle(row["StoreID"] for row in csv.DictReader(sample_stores().splitlines()))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    visits = [
        {"store_id": next(stores), "image_url": urls[at : at + _IMAGES_PER_VISIT], "visit_time": now}
        for at in range(0, len(urls), _IMAGES_PER_VISIT)
    ]
    return {"count": len(visits), "visits": visits}


def _urls(origin: HostileOrigin, tricks: Sequence[Trick], bad_percent: int) -> Iterator[str]:
    """Good and bad in turn, without end; the bad ones are spread evenly."""
    good = cycle([trick.name for trick in tricks if trick.is_good])
    bad = cycle([trick.name for trick in tricks if not trick.is_good])
    number = 0
    while True:
        is_bad = (number + 1) * bad_percent // 100 > number * bad_percent // 100
        number += 1
        yield origin.url(next(bad if is_bad else good), f"photos/{number}.jpg")
