"""Photos whose answers break off, through a whole worker: whole ones are measured, cut ones are not."""

import pytest

from retailpulse.domain.images import Depth
from retailpulse.storage.postgres.database import Database
from tests.measure.pictures import picture, saved
from tests.origin import Origin, Reply
from tests.storage.jobs import submit
from tests.storage.truth import check_truth
from tests.worker.working import requests, rows, until_over, working

PHOTO = saved("JPEG", picture(640, 480))
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(PHOTO)
RESULTS = "SELECT image_no, width, size_bytes, suspect, cause, tries FROM results ORDER BY image_no"
BROKE_OFF = "the answer broke off, but the picture is whole"


@pytest.mark.parametrize("depth", [Depth.DOWNLOAD, Depth.DECODE])
async def test_a_whole_photo_is_measured_and_suspect_and_a_cut_one_is_fetched_twice(
    database: Database, depth: Depth
) -> None:
    with Origin() as origin:
        good = origin.serve("/good.jpg", Reply(body=PHOTO))
        whole = origin.serve("/whole.jpg", Reply(raw=CHUNKED + PHOTO))
        cut = origin.serve("/cut.jpg", Reply(raw=CHUNKED + PHOTO[:-900]))
        job_id = await submit(database, [good, whole, cut], depth=depth)
        async with working(database):
            await until_over(database, job_id)
        assert requests(origin) == {"/good.jpg": 1, "/whole.jpg": 1, "/cut.jpg": 2}
    check_truth(database.url, job_id)
    assert rows(database, RESULTS) == [
        (1, 640, len(PHOTO), None, None, 1),
        (2, 640, len(PHOTO), BROKE_OFF, None, 1),
        (3, None, None, None, "truncated", 2),
    ]


async def test_at_depth_header_only_the_header_must_be_there(database: Database) -> None:
    with Origin() as origin:
        whole = origin.serve("/whole.jpg", Reply(raw=CHUNKED + PHOTO))
        cut = origin.serve("/cut.jpg", Reply(raw=CHUNKED + PHOTO[:-900]))
        early = origin.serve("/early.jpg", Reply(raw=CHUNKED + PHOTO[:40]))
        job_id = await submit(database, [whole, cut, early], depth=Depth.HEADER)
        async with working(database):
            await until_over(database, job_id)
    assert rows(database, RESULTS) == [
        (1, 640, None, None, None, 1),
        (2, 640, None, None, None, 1),
        (3, None, None, None, "truncated", 2),
    ]
