"""How much a worker takes of each host: by slots and speed, and fairly by job where it is the limit."""

from uuid import UUID

import pytest

from retailpulse.worker.prefetch import PERIOD_SECONDS, Head, Throughput, ahead, shares

A, B, C = (UUID(int=number) for number in (1, 2, 3))


def heads(*of_hosts: tuple[int, UUID, int]) -> dict[int, Head]:
    """What waits at hosts: each a rank, the job that is next there, and the room."""
    return {
        host_id: Head(host_id=host_id, rank=rank, job_id=job_id, room=room)
        for host_id, (rank, job_id, room) in enumerate(of_hosts)
    }


@pytest.mark.parametrize(
    ("slots", "latency", "rate", "expected"),
    [
        (16, None, None, 0),  # nothing is known of the host
        (16, 2.0, None, 1),  # 8 a second, so not one in 50 ms
        (16, 0.01, None, 80),
        (16, 0.0, None, 800),
        (64, 0.0, None, 1_024),
        (1, 0.01, 2.0, 1),  # its pace counts where that is slower
        (16, 0.01, 100.0, 5),
    ],
)
def test_a_worker_takes_50_ms_of_a_hosts_work_beyond_its_slots(
    slots: int, latency: float | None, rate: float | None, expected: int
) -> None:
    assert ahead(slots, latency, rate) == expected


@pytest.mark.parametrize("period", [PERIOD_SECONDS, 0.3])  # also beside a slow database
def test_a_worker_that_gets_through_all_it_takes_soon_takes_all_that_its_host_bears(period: float) -> None:
    throughput, now = Throughput(), 0.0
    for _ in range(8):
        throughput.look(0, now)
        throughput.took(16 + throughput.ahead)
        now += period
    assert throughput.ahead > 1_024


def test_a_worker_that_takes_longer_than_its_host_takes_little_ahead() -> None:
    throughput, held = Throughput(), 0
    for number in range(400):
        held -= number % 2  # 20 a second, of a host that would answer thousands
        throughput.look(held, number * PERIOD_SECONDS)
        assert throughput.ahead == 8
        throughput.took(max(0, 24 - held))
        held = max(held, 24)


def test_a_worker_that_turns_slow_takes_less_at_once() -> None:
    throughput = Throughput()
    for number in range(20):
        throughput.look(0, number * PERIOD_SECONDS)
        throughput.took(500)
    assert throughput.ahead > 1_000
    for number in range(20, 32):
        throughput.look(500, number * PERIOD_SECONDS)
    assert throughput.ahead == 8


def test_a_job_on_one_host_gets_as_much_as_one_on_a_hundred() -> None:
    spread = heads((0, A, 50), *((0, B, 50) for _ in range(100)))
    assert shares(spread, 60, {}) == {A: 30, B: 30}


def test_what_one_job_cannot_use_is_for_the_others() -> None:
    assert shares(heads((0, A, 4), (0, B, 50), (0, C, 50)), 60, {}) == {A: 4, B: 28, C: 28}


def test_a_higher_priority_gets_all_that_it_can_use() -> None:
    assert shares(heads((-5, A, 50), (0, B, 50)), 60, {}) == {A: 50, B: 10}
    assert shares(heads((-5, A, 90), (0, B, 50)), 60, {}) == {A: 60, B: 0}


def test_images_in_hand_count() -> None:
    assert shares(heads((0, A, 50), (0, B, 50)), 20, {A: 30}) == {A: 0, B: 20}
    assert shares(heads((0, A, 50), (0, B, 50)), 20, {A: 10}) == {A: 5, B: 15}


def test_no_more_is_shared_out_than_there_is_and_none_is_less_than_nothing() -> None:
    given = shares(heads((0, A, 7), (1, B, 7), (1, C, 3)), 9, {A: 2, B: 40})
    assert sum(given.values()) <= 9
    assert min(given.values()) >= 0
