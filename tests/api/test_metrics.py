"""GET /metrics over HTTP: formats, validity, and labels that no client can multiply."""

import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from retailpulse.telemetry.catalogue import CATALOGUE
from tests.api.jobs import RunningApi, visit
from tests.conftest import STORES
from tests.metrics.scraping import Samples, counters, parse, parse_open_metrics, scrape, value
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text"


def fresh(service: RunningService | RunningApi, before: Samples | None = None) -> Samples:
    """What is told now; where `before` is given, waits until something else is told."""
    if before is None:
        return scrape(service.http)
    return wait_for(lambda: found if (found := scrape(service.http)) != before else None)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[RunningService]:
    """A service that works for nobody else."""
    running = RunningService(tmp_path, is_migrated=True)
    try:
        running.wait_until_ready().http.put("/api/v1/stores", content=STORES.encode())
        yield running
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/html,application/xhtml+xml", PLAIN),
        ("text/plain;version=0.0.4", PLAIN),
        ("application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5", OPEN_METRICS),
        ("nonsense;;;=,", PLAIN),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(
    service: RunningService, accept: str, content_type: str
) -> None:
    answer = service.http.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(content_type)
    assert answer.text.endswith("# EOF\n") == (content_type == OPEN_METRICS)


def test_what_is_told_is_valid_and_whole_in_both_formats(service: RunningService) -> None:
    plain = service.http.get("/metrics").text
    samples = parse(plain)
    for metric in CATALOGUE:
        assert f"# TYPE {metric.full_name} {metric.kind}\n" in plain
        assert f"# HELP {metric.full_name} {metric.meaning}\n" in plain
    text = service.http.get("/metrics", headers={"Accept": f"{OPEN_METRICS}; version=1.0.0"}).text
    families = {family.name: family for family in parse_open_metrics(text)}
    assert set(families) == {metric.name for metric in CATALOGUE}
    assert {name for name, _ in samples} <= {
        metric.full_name + suffix for metric in CATALOGUE for suffix in ("", "_bucket", "_count", "_sum")
    }


def test_every_histogram_ends_with_all_that_was_observed(service: RunningService) -> None:
    samples = fresh(service)
    for metric in CATALOGUE:
        if metric.kind == "histogram":
            counts = value(samples, f"{metric.name}_count")
            assert counts == value(samples, f"{metric.name}_bucket", le="+Inf")
            assert counts >= value(samples, f"{metric.name}_bucket", le=repr(metric.bounds[0]))


def test_a_job_is_told_stage_by_stage(alone: RunningService, origin: Origin) -> None:
    service = alone
    before = fresh(service)
    urls = [origin.serve(f"/metrics/{number}.gif", Reply(body=b"GIF89a" + b"x" * 94)) for number in range(6)]
    job_id = service.submit([visit("RP00001", *urls), visit("nowhere", urls[0])], depth="download")
    assert service.finished(job_id)["images"]["failed"] == 7

    def gained(name: str, **labels: str) -> float:
        return value(scrape(service.http), name, **labels) - value(before, name, **labels)

    images = "retailpulse_images_settled_total"
    labels = {"outcome": "failed", "depth": "download"}
    wait_for(lambda: gained(images, cause="store_id_not_found", **labels) == 1)
    wait_for(lambda: gained(images, **labels) == 7)
    wait_for(lambda: gained("retailpulse_fetched_bytes_total") == 600)
    wait_for(lambda: gained("retailpulse_transfer_seconds_count") == 6)
    wait_for(lambda: gained("retailpulse_queue_wait_seconds_count") >= 1)
    wait_for(lambda: gained("retailpulse_settle_seconds_count") >= 1)
    wait_for(lambda: gained("retailpulse_http_requests_total", route="/api/submit", status="2xx") >= 1)


def test_no_client_can_add_series_without_end(service: RunningService) -> None:
    def ask(method: str, path: str) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", service.port)) as connection:
            connection.request(method, path)
            connection.getresponse().read()

    def everything(round_no: int) -> None:
        for number in range(20):
            unique = f"{round_no}-{number}"
            ask("GET", f"/nothing/{unique}")
            ask("GET", f"/api/v1/jobs/{unique}")
            ask("GET", f"/api/status?jobid={unique}")
            ask("GET", f"/api/v1/jobs/%7C{unique}%22%0A%7D/results")
            ask(f"BREW{number}X{round_no}", "/health/live")
            ask("PATCH", f"/health/live?{unique}")

    def rendered(rounds: int) -> Samples | None:
        found = scrape(service.http)
        counts = [
            value(found, "retailpulse_http_requests_total", **labels)
            for labels in ({"method": "other"}, {"method": "PATCH"}, {"route": "/api/status"})
        ]
        is_all = min(counts) >= 20 * rounds and value(
            found, "retailpulse_http_requests_total", route="/metrics"
        )
        return found if is_all else None

    everything(1)
    seen = wait_for(lambda: rendered(1))
    everything(2)
    after = wait_for(lambda: rendered(2))
    assert after.keys() == seen.keys()
    routes = {dict(labels).get("route") for _, labels in after}
    assert "/api/v1/jobs/{job_id}" in routes
    assert not [route for route in routes if route and re.search(r"[|\n%]|\d-\d", route)]


def test_counters_only_grow_from_scrape_to_scrape(service: RunningService) -> None:
    before = fresh(service)
    for _ in range(3):
        service.http.get("/health/ready")
        after = fresh(service, before)
        assert all(after[key] >= number for key, number in counters(before).items())
        before = after


def test_without_the_database_the_scrape_fails_and_says_so(tmp_path: Path) -> None:
    api = RunningApi(tmp_path, "postgresql://127.0.0.1:1/none")
    try:
        wait_for(lambda: api.answers(503))
        answer = api.http.get("/metrics")
        assert answer.status_code == 503
        assert "127.0.0.1:1" not in answer.text
    finally:
        api.stop()
