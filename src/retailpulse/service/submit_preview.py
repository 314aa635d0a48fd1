"""What a submit would be, for a dry run: nothing is written.

Weak: of a job with very many hosts, those with a few images each are not named.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nlargest
from itertools import islice
from operator import itemgetter

import msgspec

from retailpulse.domain.jobs import Submission
from retailpulse.fetch import origin_key
from retailpulse.schema import HostShare, UnknownStores
from retailpulse.storage.jobs.insert import known_stores
from retailpulse.storage.jobs.spool import Spool
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling.slice_builder import SliceBuilder

_BLOCK_STORES = 10_000
_SHOWN = 10
NO_HOST = "(none)"
"""Stands for the host of a URL that cannot be fetched."""


class _VisitRow(msgspec.Struct, gc=False):
    store_id: str


_ROWS = msgspec.json.Decoder(list[_VisitRow])


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """Counts of a submit, and what is known of its stores and hosts."""

    visits: int
    images: int
    stores_unknown: UnknownStores
    hosts: list[HostShare]
    more_hosts: int


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
        return await self._preview(len(submission.visits), submission.image_count, stores, slices)

    async def of_spool(self, spool: Spool) -> Preview:
        """What a job in a spool would be."""
        stores = await asyncio.to_thread(dict.fromkeys, _stores_in(spool))
        return await self._preview(spool.visits, spool.images, stores, spool.slices)

    async def _preview(
        self, visits: int, images: int, stores: Iterable[str], slices: SliceBuilder
    ) -> Preview:
        counts = slices.image_counts()
        hosts = nlargest(_SHOWN, counts.items(), key=itemgetter(1))
        return Preview(
            visits=visits,
            images=images,
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


def _stores_in(spool: Spool) -> Iterator[str]:
    return (row.store_id for block in spool.visit_blocks() for row in _ROWS.decode(block))
