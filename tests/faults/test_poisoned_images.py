"""Images that kill their decoder, never end, or unfold to gigabytes: each costs only itself.

Promise: a bad image harms no other. The killed decoder stands for a fault of a library that is not known to
have one: it is hit from outside, in a real worker, while it decodes.
"""

import os
import signal
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retailpulse.domain.images import Cause
from retailpulse.domain.process_exit import how_it_ended
from tests.lifecycle.processes import Shop, submit
from tests.measure.pictures import png, png_chunk
from tests.measure.watching import alive, endless
from tests.origin import Origin, Reply
from tests.processes import stat
from tests.running import RunningService, wait_for

NEIGHBOURS = 30
DECODE_SECONDS = 3
Told = tuple[int, str, str]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Origin() as origin:
        made = Shop(Path(tmp_path_factory.mktemp("poisoned")), origin)
        yield made
        made.close()


@pytest.fixture(scope="module")
def running(shop: Shop) -> RunningService:
    """A worker with one decoder, so that a lost one is missed by everybody."""
    return shop.serve(
        RETAILPULSE_MEASURE_DECODERS="1",
        RETAILPULSE_MEASURE_TIMEOUT_SECONDS=str(DECODE_SECONDS),
        RETAILPULSE_MEASURE_MEMORY_BYTES="256000000",
    )


def unfolding(width: int, height: int) -> bytes:
    """A PNG of few bytes and many pixels."""
    packer = zlib.compressobj(1)
    rows = [packer.compress(bytes(width + 1)) for _ in range(height)]
    return png(width, height, png_chunk(b"IDAT", b"".join([*rows, packer.flush()])))


def among_neighbours(shop: Shop, running: RunningService, *bodies: bytes) -> tuple[str, list[str]]:
    """Submits bad bodies in one job with good photos, which arrive when the gates are opened."""
    gate = shop.gate()
    before = len(shop.origin.requests)
    bad = [shop.origin.serve(f"/bad-{before}-{n}", Reply(body=body)) for n, body in enumerate(bodies)]
    good = shop.photos(NEIGHBOURS, before=gate)
    return submit(running, [*good[:5], *bad, *good[5:]]), bad


def failures(shop: Shop, running: RunningService, job_id: str) -> list[Told]:
    """How the bad ones failed, by their place; all others are measured, none was fetched twice."""
    report = running.finished(job_id)
    rows: list[dict[str, Any]] = running.results(job_id)
    assert report["images"]["measured"] == NEIGHBOURS
    assert set(shop.requests().values()) == {1}
    shop.check_truth(job_id)
    return [(row["image_no"], row["cause"], row["detail"]) for row in rows if row["outcome"] == "failed"]


def decoder_at_work(running: RunningService) -> int:
    """The decoder of the worker, once it has been busy for a while."""
    (worker,) = running.pids()["worker"]
    (decoder,) = wait_for(lambda: alive(worker))
    before = int(stat(decoder)[11])
    wait_for(lambda: int(stat(decoder)[11]) > before + 5)
    return decoder


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL], ids=["segfault", "out of memory"])
def test_an_image_whose_decoder_is_killed_costs_only_itself(
    shop: Shop, running: RunningService, number: signal.Signals
) -> None:
    workers = running.pids()["worker"]
    job_id, _ = among_neighbours(shop, running, endless(8_000, 6_000))
    os.kill(decoder_at_work(running), number)
    shop.open_gates()
    detail = f"the decoder {how_it_ended(-number)}"
    assert failures(shop, running, job_id) == [(6, Cause.DECODER_CRASHED, detail)]
    assert running.pids()["worker"] == workers


def test_an_image_that_never_ends_is_given_up_and_costs_only_itself(
    shop: Shop, running: RunningService
) -> None:
    workers = running.pids()["worker"]
    job_id, _ = among_neighbours(shop, running, endless(8_000, 6_000))
    shop.open_gates()
    detail = f"not decoded within {DECODE_SECONDS} s of CPU time"
    assert failures(shop, running, job_id) == [(6, Cause.TIMEOUT, detail)]
    assert running.pids()["worker"] == workers


def test_bombs_of_pixels_cost_only_themselves(shop: Shop, running: RunningService) -> None:
    workers = running.pids()["worker"]
    over, within = unfolding(25_000, 10_001), unfolding(20_000, 12_000)
    job_id, _ = among_neighbours(shop, running, over, within)
    shop.open_gates()
    assert failures(shop, running, job_id) == [
        (6, Cause.TOO_MANY_PIXELS, "25000 x 10001 pixels are over the limit of 250000000 pixels"),
        (7, Cause.TOO_MANY_PIXELS, "the picture does not fit into memory"),
    ]
    assert running.pids()["worker"] == workers
