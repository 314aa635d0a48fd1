"""Who looks at a host where images came to wait: one worker for a few, all for many."""

from retailpulse.fetch import HostPool
from retailpulse.storage.scheduling.notifications import HostNotification
from retailpulse.worker.leases import Leases
from retailpulse.worker.scheduler_events import SchedulerEvents

HOSTS = frozenset(range(1, 33))
BUCKET = -3


def heard(worker_id: int, told: HostNotification) -> set[int]:
    """Where one of two workers without leases looks for slots after a notification."""
    events = SchedulerEvents()
    events.use(Leases(HostPool(16, 16, listener=events)))
    events.worker_id, events.alive = worker_id, [1, 2]
    events.images_came(told)
    assert events.wake.is_set()
    return events.noticed


async def test_few_images_are_for_one_worker_of_all() -> None:
    first, second = (heard(worker_id, HostNotification(host_ids=HOSTS)) for worker_id in (1, 2))
    assert first | second == HOSTS
    assert not first & second
    assert first and second  # by chance of their ids, but always the same


async def test_many_images_are_for_all_workers_at_once() -> None:
    told = HostNotification(host_ids=HOSTS, are_many=True)
    assert heard(1, told) == heard(2, told) == HOSTS


async def test_many_images_in_a_bucket_are_sorted_by_one_worker() -> None:
    told = HostNotification(host_ids=frozenset({BUCKET}), are_many=True)
    assert sorted(len(heard(worker_id, told)) for worker_id in (1, 2)) == [0, 1]
