"""GET /api/v1/jobs/{id}/images/{no}/thumbnail: a small picture of a photo, or why there is none."""

import io
from typing import Any

import pytest
from PIL import Image, ImageFilter

from retailpulse.client import AsyncClient, Client
from tests.analyze.drawn import saved, shelf
from tests.api.jobs import NO_JOB, NOWHERE, photo, problem, visit
from tests.origin import Origin, Reply
from tests.running import RunningService


def ended(service: RunningService, *visits: dict[str, Any], **fields: Any) -> str:
    job_id = service.submit(list(visits), **fields)
    service.finished(job_id)
    return job_id


@pytest.fixture(scope="module")
def job(service: RunningService, origin: Origin) -> str:
    """A job of a sharp photo, a blurred one, the first again, and one that fails."""
    sharp = origin.serve("/thumbnails/sharp.jpg", Reply(body=saved(shelf(1280, 960).convert("RGB"))))
    soft = shelf(1280, 960).filter(ImageFilter.GaussianBlur(6)).convert("RGB")
    blurred = origin.serve("/thumbnails/blurred.jpg", Reply(body=saved(soft)))
    return ended(service, visit("RP00001", sharp, blurred, sharp, NOWHERE))


def path(job_id: str, image_no: object) -> str:
    return f"/api/v1/jobs/{job_id}/images/{image_no}/thumbnail"


def size(content: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "JPEG"
        return image.size


def test_each_photo_has_one_and_a_flagged_photo_a_larger_one(service: RunningService, job: str) -> None:
    asked = [(1, "thumbnail"), (1, "review"), (2, "thumbnail"), (2, "review"), (3, "thumbnail")]
    answers = [service.http.get(path(job, number), params={"size": name}) for number, name in asked]
    assert [size(answer.content) for answer in answers] == [
        (320, 240),
        (320, 240),
        (320, 240),
        (640, 480),
        (320, 240),
    ]
    assert answers[0].content == answers[4].content  # they share a URL
    headers = answers[0].headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "private, no-cache"


def test_one_that_is_in_hand_is_not_sent_again(service: RunningService, job: str) -> None:
    tag = service.http.head(path(job, 1)).headers["etag"]
    assert tag.startswith('"')
    other = service.http.get(path(job, 2)).headers["etag"]
    for named, status in ((tag, 304), (f'"x", W/{tag}', 304), ("*", 304), (other, 200)):
        answer = service.http.get(path(job, 1), headers={"If-None-Match": named})
        assert (answer.status_code, answer.headers["etag"]) == (status, tag)
        assert bool(answer.content) == (status == 200)


def test_a_refusal_says_why_there_is_none(service: RunningService, origin: Origin, job: str) -> None:
    whole = origin.serve("/thumbnails/whole.png", Reply(body=photo(8, 8)))
    shallow = ended(service, visit("RP00001", whole), depth="download")
    for asked, reason in (
        (path(job, 4), "it is failed"),
        (path(job, 5), "has no image 5; it has 4"),
        (path(job, 0), "has no image 0"),
        (path(job, "one"), "there is no image one"),
        (path(job, 10**12), "there is no image"),
        (path(shallow, 1), "its job has the depth download, at which no photo is decoded"),
        (path(NO_JOB, 1), f"there is no job {NO_JOB}"),
        (path("x", 1), "there is no job x"),
    ):
        assert reason in problem(service.http.get(asked), 404, "not-found")["detail"]
    assert (
        "size"
        in problem(service.http.get(path(job, 1), params={"size": "big"}), 400, "invalid-request")["detail"]
    )


async def test_both_clients_fetch_it(service: RunningService, job: str) -> None:
    with Client(service.url) as client:
        small = client.thumbnail(job, 2)
    async with AsyncClient(service.url) as asynchronous:
        large = await asynchronous.thumbnail(job, 2, size="review")
    assert (size(small), size(large)) == ((320, 240), (640, 480))
