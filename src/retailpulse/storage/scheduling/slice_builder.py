"""Builds slices: gathers by host the images of a job that are to wait, and cuts them.

A job with very many hosts and a few images at each would need a row for each: such images go into buckets
by a hash of their host, which a worker sorts as it claims them.
Weak: of a job with over 65,536 hosts, one whose images are far apart may have some of them in its bucket.
"""

import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from psycopg import sql

from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling.hosts import find_hosts
from retailpulse.storage.scheduling.notifications import notify_hosts

OriginOf = Callable[[str], str | None]
"""Names the host of a URL as `fetch` will ask it; None for a URL that will not be requested."""
FEWEST_IMAGES, MOST_IMAGES = 8, 128
"""Most images of a slice. A job has some slices at each host, so that several workers find one while
others hold theirs."""
_SLICES = 16
BUCKETS = 64
FEW_IMAGES = 4
"""A host with so few images of a job shares a bucket, if the job has many hosts."""
MANY_IMAGES = 64
"""Images of a job at one host from which on all workers begin at once, not only the first that hears."""
MANY_HOSTS = 2_048
MORE_HOSTS = 1 << 16
"""Hosts of a job after which those with few images are put into their buckets and forgotten."""
_MOST_BEGINNINGS = 4_096
_NO_URL = "\0"
"""Begins none: a URL with a NUL is refused at the submit."""
_BLOCK_ROWS = 500
_MOST_AHEAD = sql.Literal(64)

# As start-time fair queueing has it, the tag of the oldest that is in work; but one that hangs must not give
# later jobs more than a host's slots ahead of the others.
_TAG_AT_HEAD = sql.SQL("""
    coalesce((
        SELECT greatest(w.tag - {most}, least(w.tag, (
            SELECT g.tag FROM grants g WHERE g.host_id = new.host_id AND g.rank = %(rank)s
            ORDER BY g.host_id, g.rank, g.tag LIMIT 1)))
        FROM slices w
        WHERE w.host_id = new.host_id AND w.rank = %(rank)s AND w.job_id <> %(job_id)s
        ORDER BY w.host_id, w.rank, w.tag, w.slice_id LIMIT 1), 0)
""").format(most=_MOST_AHEAD)
"""The virtual time of a host: a new job begins at the tag of the next one there."""
_INSERT = sql.SQL("""
    INSERT INTO slices (host_id, rank, tag, job_id, image_nos)
    SELECT host_id, %(rank)s, place + {tag}, %(job_id)s, image_nos::int[]
    FROM unnest(%(host_ids)s::int[], %(places)s::bigint[], %(image_nos)s::text[])
        AS new (host_id, place, image_nos)
""").format(tag=_TAG_AT_HEAD)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobPlace:
    """A job as its slices name it."""

    job_id: UUID
    priority: int


class SliceBuilder:
    """Gathers the images of one job that are to wait, before anything of them is in the database.

    Compact, as a job may have a million images and as many hosts: a number for each image, and the names of
    hosts that have many, or came last.
    """

    def __init__(self, origin_of: OriginOf) -> None:
        self._origin_of = origin_of
        self._begins, self._numbers = _NO_URL, array("i")
        self._of_beginning: dict[str, array[int]] = {}
        self._of_origin: dict[str, array[int]] = {}
        self._of_bucket: dict[int, array[int]] = {}
        self._most_origins = MORE_HOSTS

    def add(self, image_no: int, url: str) -> None:
        """Takes an image; numbers come in ascending order."""
        if not url.startswith(self._begins):  # an image is mostly at the host of the one before
            self._turn_to(url)
        self._numbers.append(image_no)

    def add_all(self, first_no: int, urls: Sequence[str]) -> None:
        """Takes images with consecutive numbers."""
        # What begins the least and the greatest of texts begins all of them.
        if urls and min(urls).startswith(self._begins) and max(urls).startswith(self._begins):
            self._numbers.extend(range(first_no, first_no + len(urls)))
            return
        for image_no, url in enumerate(urls, first_no):
            self.add(image_no, url)

    def image_counts(self) -> dict[str, int]:
        """How many images there are by host; those of `""` are of URLs that are not fetched.

        Of a job with very many hosts, those with a few images each may be missing.
        """
        return {origin: len(numbers) for origin, numbers in self._of_origin.items() if numbers}

    def leave_out(self, is_out: bytearray) -> None:
        """Drops each image whose byte is not 0; they count from 0, numbers of images from 1."""
        for numbers in (*self._of_origin.values(), *self._of_bucket.values()):
            numbers[:] = array("i", (number for number in numbers if not is_out[number]))

    async def enqueue(self, connection: Connection, job: JobPlace) -> int:
        """Puts all of them in line, in the transaction of `connection`; returns how many."""
        self._settle()
        placed = await find_hosts(connection, self._of_origin)
        lines = {placed[origin]: numbers for origin, numbers in self._of_origin.items()}
        lines |= self._of_bucket
        rows = _cut(lines)
        while block := list(islice(rows, _BLOCK_ROWS)):
            host_ids, places, image_nos = map(list, zip(*block, strict=True))
            parameters = {"host_ids": host_ids, "places": places, "image_nos": image_nos}
            named = {"job_id": job.job_id, "rank": -job.priority}
            # Planned each time: a plan from when little waited would read all that waits.
            await connection.execute(_INSERT, {**parameters, **named}, prepare=False)
        many = {host_id for host_id, numbers in lines.items() if len(numbers) >= MANY_IMAGES}
        await notify_hosts(connection, many, rank=-job.priority, are_many=True)
        await notify_hosts(connection, lines.keys() - many, rank=-job.priority)
        return sum(map(len, lines.values()))

    def _turn_to(self, url: str) -> None:
        """Finds the line for images whose URLs have the same host."""
        start = url.find("//")
        end = url.find("/", start + 2) + 1 if start >= 0 else 0
        beginning = url[:end] or f"{url}/"  # all before the path: whether that is a host is not said here
        self._numbers = self._of_beginning.get(beginning) or self._numbers_of(beginning)
        self._begins = beginning if start >= 0 else _NO_URL  # "http:/" would begin any URL

    def _numbers_of(self, beginning: str) -> "array[int]":
        origin = self._origin_of(beginning) or ""
        numbers = self._of_origin.get(origin)
        if numbers is None:
            if len(self._of_origin) >= self._most_origins:
                self._share_buckets()
                self._most_origins = len(self._of_origin) + MORE_HOSTS
            numbers = self._of_origin[origin] = array("i")
        if len(self._of_beginning) >= _MOST_BEGINNINGS:
            self._of_beginning.clear()
        self._of_beginning[beginning] = numbers
        return numbers

    def _settle(self) -> None:
        """Decides which hosts have a line of their own, once all images are there."""
        for origin in [origin for origin, numbers in self._of_origin.items() if not numbers]:
            del self._of_origin[origin]
        if self._of_bucket or len(self._of_origin) >= MANY_HOSTS:
            self._share_buckets()
        if "" in self._of_origin:
            self._move("")

    def _share_buckets(self) -> None:
        self._of_beginning.clear()
        for origin in [name for name, numbers in self._of_origin.items() if len(numbers) <= FEW_IMAGES]:
            self._move(origin)

    def _move(self, origin: str) -> None:
        bucket = -1 - zlib.crc32(origin.encode()) % BUCKETS
        self._of_bucket.setdefault(bucket, array("i")).extend(self._of_origin.pop(origin))


def _cut(lines: Mapping[int, "array[int]"]) -> Iterator[tuple[int, int, str]]:
    """The slices at each host: its id, the place of the first image there, and the numbers as an array."""
    for host_id, gathered in lines.items():
        numbers = sorted(gathered) if host_id < 0 else gathered
        size = MOST_IMAGES  # of a bucket: one worker at a time has it
        if host_id >= 0:
            size = min(MOST_IMAGES, max(FEWEST_IMAGES, -(-len(numbers) // _SLICES)))
        for first in range(0, len(numbers), size):
            # Many numbers in one parameter are read in one go.
            yield host_id, first, f"{{{','.join(map(str, numbers[first : first + size]))}}}"
