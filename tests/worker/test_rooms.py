"""How much a worker takes of each host: by slots and speed, and fairly by job where it is the limit."""

from uuid import UUID

import pytest

from retailpulse.worker.rooms import Head, ahead, shares

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
