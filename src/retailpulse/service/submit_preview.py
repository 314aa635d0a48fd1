"""What a submit would be, for a dry run: nothing is written.

Weak: of a job with very many hosts, those with a few images each are not named.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from itertools import islice
from operator import itemgetter

import msgspec

from retailpulse.domain.jobs import Submission, Visit
from retailpulse.fetch import origin_key
from retailpulse.schema import HostShare, UnknownStores
from retailpulse.storage.jobs.insert import known_stores
from retailpulse.storage.jobs.spool import Spool, SpooledVisit
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling.slice_builder import SliceBuilder

_BLOCK_STORES = 10_000
_SHOWN = 10
FIRST_VISITS = 5
NO_HOST = "(none)"
"""Stands for the host of a URL that cannot be fetched."""


_ROWS = msgspec.json.Decoder(list[SpooledVisit])


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstVisit:
    """One of the first visits of a submit, with its first URL."""

    store_id: str
    visit_time: str
    visited_at: datetime | None
    images: int
    first_url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """Counts of a submit, and what is known of its stores and hosts."""

    visits: int
    images: int
    stores_unknown: UnknownStores
    hosts: list[HostShare]
    more_hosts: int
    first_visits: Sequence[FirstVisit]


class SubmitPreview:
    """Looks at submits over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_submission(self, submission: Submission) -> Preview:
        """What a job in memory would be."""
        slices, first_no = SliceBuilder(origin_key), 1
        for visit in submission.visits:
            slices.add_all(first_no, visit.image_urls)
            first_no += len(visit.image_urls)
        stores = dict.fromkeys(visit.store_id for visit in submission.visits)
        counts = len(submission.visits), submission.image_count
        return await self._preview(counts, stores, slices, _first_of(submission.visits))

    async def of_spool(self, spool: Spool) -> Preview:
        """What a job in a spool would be."""
        stores, first_visits = await asyncio.to_thread(_look_through, spool)
        return await self._preview((spool.visits, spool.images), stores, spool.slices, first_visits)

    async def _preview(
        self,
        visits_and_images: tuple[int, int],
        stores: Iterable[str],
        slices: SliceBuilder,
        first_visits: Sequence[FirstVisit],
    ) -> Preview:
        counts = slices.image_counts()
        hosts = nlargest(_SHOWN, counts.items(), key=itemgetter(1))
        visits, images = visits_and_images
        return Preview(
            visits=visits,
            images=images,
            first_visits=first_visits,
            stores_unknown=await self._unknown(stores),
            hosts=[HostShare(origin=origin or NO_HOST, images=count) for origin, count in hosts],
            more_hosts=len(counts) - len(hosts),
        )

    async def _unknown(self, stores: Iterable[str]) -> UnknownStores:
        count, examples = 0, list[str]()
        left = iter(stores)
        async with self._database.connection(share=Share.READS) as connection:
            while asked := list(islice(left, _BLOCK_STORES)):
                known = await known_stores(connection, set(asked))
                missing = [store_id for store_id in asked if store_id not in known]
                count += len(missing)
                examples += missing[: _SHOWN - len(examples)]
        return UnknownStores(count=count, examples=examples)


def _first_of(visits: Iterable[Visit]) -> list[FirstVisit]:
    return [
        FirstVisit(
            store_id=visit.store_id,
            visit_time=visit.visit_time,
            visited_at=visit.visited_at,
            images=len(visit.image_urls),
            first_url=visit.image_urls[0],
        )
        for visit in islice(visits, FIRST_VISITS)
    ]


def _look_through(spool: Spool) -> tuple[dict[str, None], list[FirstVisit]]:
    """The stores of a spool, each once, and its first visits."""
    rows = (row for block in spool.visit_blocks() for row in _ROWS.decode(block))
    first = list(islice(rows, FIRST_VISITS))
    stores = dict.fromkeys(row.store_id for row in first)
    stores |= dict.fromkeys(row.store_id for row in rows)
    urls = spool.first_urls(FIRST_VISITS)
    visits = [
        FirstVisit(
            store_id=row.store_id,
            visit_time=row.visit_time,
            visited_at=row.visited_at,
            images=row.images,
            first_url=urls.get(row.visit_no, ""),
        )
        for row in first
    ]
    return stores, visits
