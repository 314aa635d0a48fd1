"""Draws everything that the job of the demo needs into one folder, two things at a time."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from retailpulse.demo.gondolas import draw_gondola
from retailpulse.demo.job import DemoJob
from retailpulse.demo.photos import draw_photo, sensor_noise
from retailpulse.demo.recipes import write_recipes

_THREADS = 2  # Pillow releases the interpreter's lock while it scales


def draw(job: DemoJob, folder: Path) -> Iterator[str]:
    """Draw the photos of the job and the gondolas of the others; each is named as soon as it is written."""
    noise = sensor_noise()
    write_recipes(job.recipes, folder)
    pool = ThreadPoolExecutor(max_workers=_THREADS)
    try:
        with signals_deferred():
            works = {
                pool.submit(partial(draw_gondola, gondola, folder, noise)): gondola.name
                for gondola in job.gondolas
            }
            works |= {
                pool.submit(partial(draw_photo, photo, folder, noise)): photo.name for photo in job.drawn
            }
        for work in as_completed(works):
            work.result()
            yield works[work]
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Has SIGINT and SIGTERM, whose handlers raise, wait for the end of the block; in the main thread alone.

    An exception in the middle of the start of a thread leaves one that never ends, nor lets the process end.
    """
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda late, _frame: came.append(late))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)
