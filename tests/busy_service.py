"""A service that measures photos, one job after another, for tests that look into it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.api.jobs import visit
from tests.measure.pictures import picture, saved
from tests.origin import Origin, Reply
from tests.running import RunningService

PHOTOS = 40


@contextmanager
def busy(service: RunningService) -> Iterator[None]:
    """Photos are measured, one job after another, for the time of the block."""
    origin, stop = Origin(), threading.Event()
    content = saved("JPEG", picture(1_600, 1_200))
    urls = [origin.serve(f"/{number}.jpg", Reply(body=content)) for number in range(PHOTOS)]

    def work() -> None:
        while not stop.is_set():
            service.finished(service.submit([visit("RP00001", *urls)]))

    working = threading.Thread(target=work)
    working.start()
    try:
        yield
    finally:
        stop.set()
        working.join()
        origin.close()
