"""What a worker has in hand: at its host, waiting to be measured, and until its result is queued."""

from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import PendingImage
from retailpulse.storage.scheduling.claims import Granted
from retailpulse.worker.held_images import HeldImage, HeldImages

HOST = 7


def added(held: HeldImages, images: int, rank: int = 0) -> list[HeldImage]:
    granted = Granted(
        grant_id=1,
        host_id=HOST,
        rank=rank,
        job_id=new_job_id(),
        depth=Depth.DECODE,
        is_started=True,
        images=[
            PendingImage(image_no=number, image_url=f"http://a.example/{number}") for number in range(images)
        ],
    )
    return held.add(granted, granted.images)


def test_there_is_room_for_another_image_once_one_is_measured() -> None:
    room: list[int] = []
    held = HeldImages(room.append)
    first, second, third = added(held, 3)
    held.fetched(first)
    assert (held.at_host(HOST), held.unmeasured(HOST), held.count) == (2, 3, 3)
    assert room == []
    held.measured(first)
    held.measured(first)
    assert (held.at_host(HOST), held.unmeasured(HOST), held.count) == (2, 2, 3)
    assert room == [HOST]
    assert not held.done(first)
    held.measured(second)
    assert (held.at_host(HOST), held.unmeasured(HOST), held.count) == (1, 1, 2)
    assert not held.done(second)
    assert held.done(third)
    assert (held.at_host(HOST), held.unmeasured(HOST), held.count) == (0, 0, 0)
    assert room == [HOST] * 3
    assert held.jobs() == []


def test_the_highest_priority_at_a_host_is_that_of_images_that_are_there() -> None:
    held = HeldImages(lambda _host_id: None)
    (urgent,) = added(held, 1, rank=-9)
    added(held, 1)
    assert held.rank_at(HOST) == -9
    held.fetched(urgent)
    assert held.rank_at(HOST) == 0
    held.done(urgent)
    assert held.rank_at(HOST) == 0
    assert held.rank_at(HOST + 1) is None


def test_lines_about_an_image_name_its_job_its_grant_its_host_and_its_number() -> None:
    (first, *_) = added(HeldImages(lambda _host_id: None), 2)
    assert first.log_fields() == {
        "job": first.grant.job_id, "image": 0, "grant": 1, "host": "http://a.example:80",
    }  # fmt: skip
