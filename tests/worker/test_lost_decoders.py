"""A picture that kills its decoder, or never ends, through a whole worker: it costs only itself."""

import os
import signal

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.images import Depth
from retailpulse.storage.postgres.database import Database
from tests.measure.watching import alive, endless, until_busy
from tests.origin import Origin, Reply
from tests.storage.jobs import submit
from tests.storage.truth import check_truth
from tests.worker.working import requests, rows, until, until_over, urls, working

FAILED = "SELECT image_no, cause, detail FROM results WHERE outcome = 'failed' ORDER BY image_no"


async def test_a_picture_that_crashes_its_decoder_costs_only_itself(database: Database) -> None:
    with Origin() as origin:
        fatal = origin.serve("/fatal.jpg", Reply(body=endless()))
        job_id = await submit(database, [fatal, *urls(origin, 30)], depth=Depth.DECODE)
        async with working(database, measure=MeasureSettings(decoders=1)):
            await until(alive)
            decoder = alive()[0]  # others follow it soon, as it is slow
            await until_busy(decoder)
            os.kill(decoder, signal.SIGSEGV)
            await until_over(database, job_id)
        assert set(requests(origin).values()) == {1}
    check_truth(database.url, job_id)
    assert rows(database, FAILED) == [
        (1, "decoder_crashed", "the decoder was killed by signal 11 (segmentation fault)")
    ]


async def test_a_picture_that_does_not_end_is_given_up_and_costs_only_itself(database: Database) -> None:
    with Origin() as origin:
        slow = origin.serve("/slow.jpg", Reply(body=endless(12_000, 9_000)))
        job_id = await submit(database, [slow, *urls(origin, 30)], depth=Depth.DECODE)
        async with working(database, measure=MeasureSettings(timeout_seconds=1.0)):
            await until_over(database, job_id)
        assert set(requests(origin).values()) == {1}
    check_truth(database.url, job_id)
    assert rows(database, FAILED) == [(1, "timeout", "not decoded within 1 s of CPU time")]
