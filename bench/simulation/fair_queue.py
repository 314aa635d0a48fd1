"""What waits: slices of jobs at hosts, in the order of a fair queue; a model of `storage.scheduling.claims`.

A claim locks the first slices of a host until its transaction ends, and others pass over what is locked. So a
slice of one image is a row per image, and one of all images a cursor per job and host.
"""

from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice

from bench.simulation.photo_host import Job

FEWEST_IMAGES, MOST_IMAGES, SLICES_OF_JOB = 8, 128, 16


@dataclass(kw_only=True, eq=False, slots=True)
class Slice:
    """Some images of a job at a host; `tag` is the virtual time of the first of them."""

    rank: int
    tag: int
    number: int
    job: Job
    images: list[int]
    locked: bool = False
    advance: int = 0  # what a claim in progress took


@dataclass(kw_only=True, slots=True)
class Part:
    """What a claim takes of a slice."""

    job: Job
    tag: int
    images: list[int]


@dataclass(kw_only=True)
class FairQueue:
    """All that waits, by host.

    `slice_images` is the size of every slice, None for one by the images of a job at a host.
    """

    slice_images: int | None = None
    of_host: dict[str, list[Slice]] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)

    def head(self, host: str) -> Slice | None:
        """Who is next at a host."""
        line = self.of_host.get(host)
        return line[0] if line else None

    def hosts(self) -> list[str]:
        """Where something waits."""
        return [host for host, line in self.of_host.items() if line]

    def add(self, job: Job, host: str, images: list[int]) -> None:
        """Puts images in line, beside whoever is next of the same rank."""
        equals = (one.tag for one in self.of_host.get(host, ()) if one.rank == job.rank)
        tag = next(equals, 0)
        by_job = min(MOST_IMAGES, max(FEWEST_IMAGES, -(-len(images) // SLICES_OF_JOB)))
        size = self.slice_images or by_job
        for first in range(0, len(images), size):
            self._insert(host, job, tag + first, images[first : first + size])

    def put_back(self, job: Job, host: str, tag: int, images: list[int]) -> None:
        """Puts images back where they were."""
        self._insert(host, job, tag, images)

    def claim(self, host: str, room: int, slices: int) -> tuple[list[Part], Callable[[], None]]:
        """Takes so many images of so many slices, fairly; also returns what ends the transaction."""
        line = self.of_host.get(host, [])
        free = (one for one in line if not one.locked)
        heads = list(islice(free, min(slices, room)))
        parts = []
        for one, images in _fair_parts(heads, room).items():
            parts.append(Part(job=one.job, tag=one.tag, images=one.images[:images]))
            one.images, one.advance = one.images[images:], images
        for one in heads:
            one.locked = True

        def commit() -> None:
            line = self.of_host[host]  # as it is by now
            for one in heads:
                one.locked = False
                if one in line:  # its job was not cancelled meanwhile
                    line.remove(one)
                    one.tag, one.advance = one.tag + one.advance, 0
                    if one.images:
                        insort(line, one, key=_order)

        return parts, commit

    def drop(self, job: Job) -> None:
        """Takes all of a job out of line."""
        for host, line in self.of_host.items():
            self.of_host[host] = [one for one in line if one.job is not job]

    def images(self) -> Iterator[tuple[Job, int]]:
        """All that waits."""
        for line in self.of_host.values():
            for one in line:
                for image in one.images:
                    yield one.job, image

    def _insert(self, host: str, job: Job, tag: int, images: list[int]) -> None:
        one = Slice(rank=job.rank, tag=tag, number=next(self._numbers), job=job, images=images)
        insort(self.of_host.setdefault(host, []), one, key=_order)


def _order(one: Slice) -> tuple[int, int, int]:
    return one.rank, one.tag, one.number


def _fair_parts(heads: list[Slice], room: int) -> dict[Slice, int]:
    """How many images to take of each slice: by rank, first each job's fair part, then what is left."""
    parts: dict[Slice, int] = {}
    for rank in sorted({one.rank for one in heads}):
        equals = [one for one in heads if one.rank == rank]
        quantum = max(1, -(-room // len({id(one.job) for one in equals})))
        for most in (quantum, room):
            for one in equals:
                images = min(len(one.images) - parts.get(one, 0), most, room - sum(parts.values()))
                if images > 0:
                    parts[one] = parts.get(one, 0) + images
    return parts
