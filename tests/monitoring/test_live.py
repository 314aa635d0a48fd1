"""A real Prometheus scrapes the running service: every panel has data, and what breaks fires its alert."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.jobs import RunningApi
from tests.lifecycle.processes import PICTURE, QUICK
from tests.monitoring.prometheus import Prometheus, scraping
from tests.monitoring.test_alerts import ALERTS
from tests.monitoring.test_dashboard import queries
from tests.origin import Origin, Reply
from tests.running import ALLOW_LOOPBACK, Process, RunningService, free_port, wait_for
from tests.storage.servers import database_url, empty_url, folder, postgres

__all__ = ["database_url", "empty_url", "folder", "postgres"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as serving:
        yield serving


def submit(running: RunningService, urls: list[str], **fields: object) -> str:
    visit = {"store_id": "RP00001", "image_url": urls, "visit_time": "2026-11-20T10:00:00Z"}
    answer = running.http.post("/api/v1/jobs", json={"visits": [visit], **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["job_id"])


def work(running: RunningService, origin: Origin, name: str) -> None:
    """A job with photos, a failure, and a receiver that does not accept the callback at first."""
    photos = [origin.serve(f"/{name}-{number}.png", Reply(body=PICTURE)) for number in range(20)]
    hook = origin.serve(f"/{name}-hook", Reply(status=500), Reply(status=204))
    running.finished(submit(running, [*photos, origin.url(f"/{name}-missing.png")], callback_url=hook))


def wait_until_every_query_has_data(prometheus: Prometheus) -> None:
    missing = dict(queries())

    def is_none_missing() -> bool:
        for name, expression in list(missing.items()):
            if prometheus.values(expression):
                del missing[name]
        return not missing

    try:
        wait_for(is_none_missing)
    except AssertionError:
        assert list(missing) == []


def test_every_panel_shows_data_of_a_running_service_and_a_dead_host_fires_its_alert(
    folder: Path, origin: Origin
) -> None:
    environment = QUICK | {"RETAILPULSE_CALLBACKS_BACKOFF_SECONDS": "0.2"}
    running = RunningService(folder / "service", environment=environment).wait_until_ready()
    running.http.put("/api/v1/stores", content="AreaCode,StoreName,StoreID\n1,A,RP00001\n").raise_for_status()
    try:
        with scraping(folder, running.port) as prometheus:
            work(running, origin, "first")
            wait_for(lambda: prometheus.values('retailpulse_images_settled_total{outcome="failed"}'))
            work(running, origin, "second")
            wait_for(lambda: prometheus.values('retailpulse_callback_tries_total{result="delivered"} > 1'))
            assert "RetailPulseHostOnlyFails" not in prometheus.firing()
            dead = f"http://127.0.0.1:{free_port()}"
            submit(running, [f"{dead}/{number}.png" for number in range(40)])
            wait_for(lambda: "RetailPulseHostOnlyFails" in prometheus.firing())
            wait_until_every_query_has_data(prometheus)
            assert prometheus.rules() == dict.fromkeys(ALERTS, "ok")
    except AssertionError:
        print(running.log())
        raise
    finally:
        running.stop()


def test_a_stopped_worker_fires_its_alert_and_one_that_starts_again_ends_it(
    folder: Path, database_url: str
) -> None:
    name = "RetailPulseNoWorkers"
    environment = QUICK | ALLOW_LOOPBACK | {"RETAILPULSE_DATABASE_URL": database_url}
    api = RunningApi(folder / "api", database_url, QUICK).wait_until_ready()
    workers = [Process(folder / "worker", "worker", environment=environment)]
    try:
        with scraping(folder, api.port) as prometheus:
            wait_for(lambda: prometheus.values("retailpulse_workers_alive == 1"))
            wait_for(lambda: name not in prometheus.firing())
            assert workers[0].stop() == 0
            wait_for(lambda: name in prometheus.firing())
            workers.append(Process(folder / "worker", "worker", environment=environment))
            wait_for(lambda: name not in prometheus.firing())
            workers[1].process.send_signal(signal.SIGSTOP)  # it is there, and does nothing
            wait_for(lambda: name in prometheus.firing())
            workers[1].process.send_signal(signal.SIGCONT)
            wait_for(lambda: name not in prometheus.firing())
            api.stop()
            wait_for(lambda: "RetailPulseDown" in prometheus.firing())
    finally:
        for one in (*workers, api):
            one.process.send_signal(signal.SIGCONT)
            one.stop()
