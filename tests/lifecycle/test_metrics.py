"""Metrics across processes: any API tells what the rows of all say, and kill -9 takes nothing back."""

import os
import signal
from pathlib import Path

import psycopg
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import RunningApi
from tests.lifecycle.processes import QUICK, Shop
from tests.metrics.scraping import Samples, counters, scrape, value
from tests.processes import children
from tests.running import RunningService, wait_for

IMAGES = "retailpulse_images_settled_total"
CRASHES = "retailpulse_crashes_total"
IN_FLIGHT = "retailpulse_transfers_in_flight"
ROWS = """
    SELECT r.outcome, coalesce(r.cause, ''), j.depth, count(*)
    FROM results r JOIN jobs j USING (job_id) GROUP BY 1, 2, 3
"""


class Witness:
    """Scrapes two APIs in turn and sees that no counter of the first goes back at the second, or later."""

    def __init__(self, *services: RunningService | RunningApi) -> None:
        self._services = list(services)
        self._last: Samples = {}
        self.count = 0

    def scrape(self) -> Samples:
        """What the next of the APIs tells."""
        self._services.append(service := self._services.pop(0))
        found = scrape(service.http)
        back = {
            key: (was, found.get(key))
            for key, was in counters(self._last).items()
            if found.get(key, -1) < was
        }
        assert not back
        self._last = found
        self.count += 1
        return found

    def until(self, name: str, wanted: float, **labels: str) -> None:
        """Scrapes until a value is what it should be."""
        wait_for(lambda: value(self.scrape(), name, **labels) == wanted)


def submit(running: RunningService, urls: list[str], depth: str) -> str:
    visit = {"store_id": "RP00001", "image_url": urls, "visit_time": "2026-11-20T10:00:00Z"}
    return running.submit([visit], depth=depth)


def settled_rows(shop: Shop) -> dict[tuple[str, str, str], int]:
    with psycopg.connect(EmbeddedServer(shop.folder / "data").url()) as connection:
        return {(*how,): count for *how, count in connection.execute(ROWS).fetchall()}


def tries_in_rows(shop: Shop) -> int:
    with psycopg.connect(EmbeddedServer(shop.folder / "data").url()) as connection:
        ((tries,),) = connection.execute("SELECT sum(coalesce(tries, 1)) FROM results").fetchall()
    return int(tries)


def settled_counts(samples: Samples) -> dict[tuple[str, str, str], float]:
    return {
        (labels["outcome"], labels["cause"], labels["depth"]): number
        for labels, number in (
            (dict(given), number) for (name, given), number in samples.items() if name == IMAGES
        )
    }


@pytest.mark.slow
def test_what_is_told_is_what_the_rows_say_also_after_kills(shop: Shop, tmp_path: Path) -> None:
    running = shop.serve(workers=2)
    other = RunningApi(tmp_path, EmbeddedServer(shop.folder / "data").url(), QUICK).wait_until_ready()
    try:
        witness = Witness(running, other)
        first = [
            submit(running, shop.photos(60), "decode"),
            submit(running, [*shop.photos(30), "http://127.0.0.1:1/refused.png"], "download"),
        ]
        for job_id in first:
            running.finished(job_id)
        witness.until(IMAGES, 91)
        tries = tries_in_rows(shop)
        assert tries >= 90 + 3  # one more, where the host's refusal may have been about another worker
        witness.until("retailpulse_transfer_seconds_count", tries)
        witness.until("retailpulse_decode_seconds_count", 60)
        witness.until("retailpulse_workers_alive", 2)

        gate = shop.gate()
        job_id = submit(running, shop.photos(80, before=gate), "header")
        wait_for(lambda: value(witness.scrape(), IN_FLIGHT) > 4)
        witness.until("retailpulse_unsettled_images", 80)
        os.kill(running.pids()["worker"][0], signal.SIGKILL)
        os.kill(running.pids()["api"][0], signal.SIGKILL)
        other_only = Witness(other)
        other_only.until(CRASHES, 1, process="worker")
        other_only.until(CRASHES, 1, process="api")
        gate.set()
        running.wait_until_ready()
        running.finished(job_id)
        witness = Witness(running, other)
        witness.until(IMAGES, 171)
        witness.until("retailpulse_processes_started_total", 3, process="worker")
        witness.until("retailpulse_unsettled_images", 0)
        witness.until("retailpulse_oldest_pending_job_seconds", 0)
        witness.until(IN_FLIGHT, 0)
        assert settled_counts(witness.scrape()) == settled_rows(shop)
        assert witness.count > 4
        shop.check_truth(*first, job_id)
        before = scrape(other.http)
    finally:
        assert other.stop() == 0
    assert running.stop() == 0

    again = shop.serve(workers=1)
    after = scrape(again.http)
    assert {
        key: (was, after.get(key)) for key, was in counters(before).items() if after.get(key, -1) < was
    } == {}
    assert value(after, CRASHES) == 2
    assert again.stop() == 0


def test_a_decoder_that_is_killed_is_told(shop: Shop) -> None:
    running = shop.serve(workers=1)
    running.finished(submit(running, shop.photos(1), "decode"))
    (worker,) = running.pids()["worker"]
    # The fork server forks the decoders, so they are the children of the worker's child.
    (fork_server,) = children(worker)
    (decoder,) = children(fork_server)
    os.kill(decoder, signal.SIGKILL)
    witness = Witness(running)
    witness.until(CRASHES, 1, process="decoder")
    running.finished(submit(running, shop.photos(1), "decode"))
    witness.until(CRASHES, 1, process="decoder")
    witness.until(CRASHES, 0, process="worker")
