"""The simulation of scheduling: the goals that late binding keeps, and the same numbers each time.

What a host bears is the product's own `HostLimiter`, so that this also tests a fleet that shares one.
"""

from collections.abc import Iterator
from functools import partial

import pytest
from bench.simulation import goals, troubles
from bench.simulation.clock import Clock, seeded
from bench.simulation.designs import EARLY, LATE, Design, large_slices, rounded_up_slices, slices
from bench.simulation.fair_queue import FairQueue
from bench.simulation.photo_host import Job, PhotoHost, Says

MIXED = EARLY["mixed chunks"]
each_fleet = pytest.mark.parametrize("workers", [1, 2, 4])


@pytest.fixture(autouse=True)
def same_chance() -> Iterator[None]:
    with seeded():
        yield


def test_what_was_planned_happens_in_order_and_only_until_then() -> None:
    clock = Clock()
    seen: list[str] = []
    for name, moment in (("late", 3.0), ("first", 1.0), ("second", 1.0)):
        clock.at(moment, partial(seen.append, name))
    assert not clock.run(2.0)
    assert (seen, clock.now) == (["first", "second"], 2.0)


def test_the_same_is_seen_each_time() -> None:
    with seeded():
        once = troubles.outage(4, 10.0)
    with seeded():
        again = troubles.outage(4, 10.0)
    assert once == again


def test_a_claim_serves_equal_jobs_alike_and_the_urgent_one_first() -> None:
    queue, jobs = FairQueue(), [Job(name=name, images=100) for name in ("a", "b")]
    for job in jobs:
        queue.add(job, "host", list(range(100)))
    parts, end = queue.claim("host", 10, 2)
    end()
    assert [(part.job.name, len(part.images)) for part in parts] == [("a", 5), ("b", 5)]
    queue.add(Job(name="urgent", images=1, priority=1), "host", [0])
    parts, _ = queue.claim("host", 1, 2)
    assert [part.job.name for part in parts] == ["urgent"]


def test_a_claim_passes_over_locked_slices() -> None:
    queue = FairQueue()
    for name, priority in (("low", 0), ("urgent", 1)):
        queue.add(Job(name=name, images=8, priority=priority), "host", list(range(8)))
    _, end = queue.claim("host", 4, 1)
    assert queue.claim("host", 4, 1)[0][0].job.name == "low"
    end()
    assert queue.claim("host", 4, 1)[0][0].job.name == "urgent"


@pytest.mark.parametrize("design", LATE.values(), ids=list(LATE))
@pytest.mark.parametrize("workers", [2, 8])
def test_workers_hold_at_most_twice_what_they_have_in_flight(design: Design, workers: int) -> None:
    held, in_flight = goals.held(design, workers)
    assert in_flight == 16
    assert held <= 2 * in_flight


def test_early_binding_holds_a_whole_job_and_asks_as_often_as_there_are_workers() -> None:
    held, in_flight = goals.held(MIXED, 2)
    assert held > 4_900
    assert in_flight == 32


@pytest.mark.parametrize(("priority", "latencies"), [(100, 2), (0, 3)])
def test_one_image_behind_a_big_job_takes_a_few_latencies(priority: int, latencies: int) -> None:
    assert goals.urgent_latencies(slices, 2, priority) <= latencies
    assert goals.urgent_latencies(MIXED, 2, priority) > 100


def test_an_idle_host_is_asked_at_once() -> None:
    assert goals.idle_host_seconds(slices, 2) < 0.2


@pytest.mark.parametrize("heard", [True, False])
def test_no_request_begins_half_a_second_after_a_cancel(heard: bool) -> None:
    assert goals.late_requests(slices, 2, heard=heard) == 0
    assert goals.late_requests(MIXED, 2, heard=heard) > 100


@pytest.mark.parametrize(("workers", "least", "most"), [(2, 0.05, 0.05), (8, 0.5, 1.5)])
def test_ten_equal_jobs_end_together_within_one_cap(workers: int, least: float, most: float) -> None:
    spread, at_once = goals.spread(slices, workers, least, most)
    assert spread < 0.05
    assert at_once == 16


def test_an_urgent_job_has_the_host_until_it_is_done() -> None:
    assert goals.urgent_job_times(slices) < 1.2
    assert goals.urgent_job_times(large_slices) > 1.5


def test_slow_hosts_are_asked_as_much_as_they_bear() -> None:
    rate, most = goals.slow_hosts_rate(slices)
    assert rate > 0.95 * 1_600
    assert most == 16


def test_the_slots_of_a_killed_worker_are_used_again_within_the_stale_time() -> None:
    seconds, most, done = goals.after_a_crash(slices)
    assert seconds < 6.5
    assert (most, done) == (16, 1_000)


def test_a_worker_that_joins_has_its_share_within_two_seconds() -> None:
    assert goals.joined_after(slices) < 2.0


@each_fleet
@pytest.mark.parametrize("bears", [1, 2, 5])
@pytest.mark.parametrize("refuses", [Says.RESET, Says.TOO_MANY])
def test_a_host_that_bears_few_at_once_loses_no_photo(bears: int, refuses: Says, workers: int) -> None:
    seen = troubles.bears_few(bears, refuses, workers)
    assert (seen.lost, seen.done) == (0, troubles.IMAGES)
    assert seen.broken_invariants == []


def test_four_workers_do_not_all_keep_the_one_slot_of_a_host() -> None:
    whole = troubles.bears_few(1, Says.TOO_MANY, 4)
    rounded_up = troubles.bears_few(1, Says.TOO_MANY, 4, rounded_up_slices)
    assert (whole.done, whole.max_leased) == (troubles.IMAGES, 16)
    assert rounded_up.seconds > 10 * whole.seconds


@each_fleet
def test_the_cap_of_a_fast_host_grows_and_the_fleet_keeps_it(workers: int) -> None:
    seen = troubles.fast_host(workers, 0.01, seconds=5.0)
    assert 32 < seen.cap <= 64
    assert seen.max_in_flight <= seen.cap
    assert (seen.overtaken > 0) == (workers > 2)  # of two decisions at once one counts
    assert seen.broken_invariants == []


@each_fleet
def test_the_cap_of_a_slower_host_does_not_grow(workers: int) -> None:
    seen = troubles.fast_host(workers, 0.05, seconds=5.0)
    assert (seen.cap, seen.max_in_flight, seen.decisions) == (16, 16, 1)


@each_fleet
def test_a_cap_finds_the_limit_of_a_host_and_stays_there(workers: int) -> None:
    seen = troubles.fast_host_of(24, workers)
    assert seen.max_in_flight <= 25
    assert seen.refused < 0.01 * seen.requests
    assert seen.lost == 0


@each_fleet
def test_a_host_that_is_down_is_spared_by_the_fleet_as_by_one_worker(workers: int) -> None:
    requests, seconds, seen = troubles.outage(workers, 30.0)
    assert requests < 16 + 15 * 4  # what was in flight, and a wave of each worker at most
    assert seconds < 30.0
    assert seen.broken_invariants == []


@each_fleet
def test_redirects_to_another_host_keep_its_cap_and_lose_nothing(workers: int) -> None:
    led, store = troubles.redirected(workers)
    assert (led.lost, led.done) == (0, 600)
    assert store.max_in_flight <= 16
    assert store.answered == 1_200


def test_a_dead_workers_images_are_in_one_place_again() -> None:
    fleet = slices([PhotoHost(name="host", least=0.1, most=0.3)], 3)
    job = Job(name="job", images=2_000)
    fleet.submit(job, {"host": job.images})
    for number, worker in enumerate(fleet.workers[:2]):
        fleet.clock.run(3.0 + 8.0 * number)
        worker.crash()
        assert fleet.broken_invariants() == []
    fleet.clock.run(200.0, lambda: job.ended_at is not None)
    assert (job.done, job.lost) == (2_000, 0)
