"""The five designs that were compared, each as a fleet of so many workers at some hosts."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from bench.simulation.clock import Clock
from bench.simulation.early import EarlyFleet, EarlyWorker
from bench.simulation.fair_queue import MOST_IMAGES, FairQueue
from bench.simulation.fleet import Fleet
from bench.simulation.late_worker import LateWorker
from bench.simulation.photo_host import PhotoHost

AnyFleet: TypeAlias = Fleet | EarlyFleet
Design: TypeAlias = Callable[[Sequence[PhotoHost], int], AnyFleet]
_WHOLE_JOB = 10**9
SEED = 7


def _late(queue: Callable[[], FairQueue], hosts: Sequence[PhotoHost], workers: int) -> Fleet:
    fleet = Fleet(clock=Clock(), chance=random.Random(SEED), hosts=_named(hosts), queue=queue())
    for _ in range(workers):
        LateWorker(fleet)
    return fleet


def _early(is_mixed: bool, hosts: Sequence[PhotoHost], workers: int) -> EarlyFleet:
    fleet = EarlyFleet(clock=Clock(), chance=random.Random(SEED), hosts=_named(hosts), is_mixed=is_mixed)
    for _ in range(workers):
        EarlyWorker(fleet)
    return fleet


def _named(hosts: Sequence[PhotoHost]) -> Mapping[str, PhotoHost]:
    return {host.name: host for host in hosts}


def slices(hosts: Sequence[PhotoHost], workers: int) -> Fleet:
    """The design that was chosen."""
    return _late(FairQueue, hosts, workers)


def large_slices(hosts: Sequence[PhotoHost], workers: int) -> Fleet:
    """The same, but each slice has as many images as fit."""
    return _late(partial(FairQueue, slice_images=MOST_IMAGES), hosts, workers)


def rounded_up_slices(hosts: Sequence[PhotoHost], workers: int) -> Fleet:
    """The same, but each worker rounds its share of a host up."""
    fleet = slices(hosts, workers)
    fleet.has_whole_shares = False
    return fleet


EARLY: Mapping[str, Design] = {
    "mixed chunks": partial(_early, True),
    "chunks by host": partial(_early, False),
}
LATE: Mapping[str, Design] = {
    "cursor per job and host": partial(_late, partial(FairQueue, slice_images=_WHOLE_JOB)),
    "row per image": partial(_late, partial(FairQueue, slice_images=1)),
    "slices": slices,
}
DESIGNS: Mapping[str, Design] = {**EARLY, **LATE}
