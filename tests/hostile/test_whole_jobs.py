"""Jobs over the hostile origin through the whole service: true causes, and nobody waits for another in vain.

Limits of time are lower than by default, so that what only time ends does not take minutes.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from retailpulse.domain.images import Cause, failure_kind
from tests.conftest import STORES
from tests.hostile import MEASURED, NETWORK, HostileOrigin, Rate
from tests.hostile.job import job_of
from tests.running import RunningService

LIMITS = {
    "RETAILPULSE_FETCH_TIMEOUT_SECONDS": "8",
    "RETAILPULSE_FETCH_STALL_SECONDS": "4",
    "RETAILPULSE_FETCH_CONNECT_TIMEOUT_SECONDS": "2",
    "RETAILPULSE_FETCH_TLS_TIMEOUT_SECONDS": "4",
    "RETAILPULSE_FETCH_DEADLINE_SECONDS": "20",
    "RETAILPULSE_FETCH_MAX_BODY_BYTES": "5000000",
    "RETAILPULSE_FETCH_ALLOWED_NETWORKS": NETWORK,
    "RETAILPULSE_FETCH_CONCURRENCY": "100",  # all hosts are one process, which has its limits too
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileOrigin]:
    with HostileOrigin(tmp_path_factory.mktemp("hostile"), rate=Rate(per_second=40)) as origin:
        yield origin


@pytest.fixture(scope="module")
def service(hostile: HostileOrigin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    environment = {
        **LIMITS,
        "RETAILPULSE_FETCH_PORTS": hostile.ports,
        "RETAILPULSE_FETCH_CA_FILE": str(hostile.ca_file),
    }
    running = RunningService(
        Path(tmp_path_factory.mktemp("service")), environment=environment, workers=2, is_migrated=True
    )
    try:
        running.wait_until_ready().http.put("/api/v1/stores", content=STORES.encode())
        yield running
    finally:
        code = running.stop()
    assert code == 0, running.log()


def visits(urls: list[str]) -> list[dict[str, Any]]:
    return [{"store_id": "RP00001", "visit_time": "2026-11-20", "image_url": urls}]


def urls_of(hostile: HostileOrigin, trick: str, count: int) -> list[str]:
    return [hostile.url(trick, f"{number}.jpg") for number in range(count)]


def trick_names(hostile: HostileOrigin) -> dict[str, str]:
    """The name of each trick by its host."""
    return {urlsplit(hostile.url(name)).hostname or "": name for name in hostile.tricks}


@pytest.mark.slow
def test_a_job_of_every_trick_tells_each_image_by_its_true_cause(
    hostile: HostileOrigin, service: RunningService
) -> None:
    # Of tiny chunks without an end, it depends on how they arrive which of two limits they meet first.
    left_out = {name for name, trick in hostile.tricks.items() if trick.heavy} | {"endless-tiny-chunks"}
    tricks = [trick for name, trick in hostile.tricks.items() if name not in left_out]
    job = job_of(hostile, tricks, images=1_200, bad_percent=84)
    urls = [url for visit in job["visits"] for url in visit["image_url"]]
    job_id = service.submit(visits(urls))
    report = service.finished(job_id, seconds=110)
    names = trick_names(hostile)
    told: dict[str, Counter[str]] = {}
    for row in service.results(job_id):
        told.setdefault(names[urlsplit(row["image_url"]).hostname], Counter())[row["cause"] or MEASURED] += 1
    wrong = {
        name: dict(causes) for name, causes in told.items() if set(causes) != {hostile.tricks[name].expected}
    }
    assert wrong == {}
    causes: Counter[str] = sum((Counter(some) for some in told.values()), Counter())
    del causes[MEASURED]
    assert report["causes"] == dict(causes)
    assert report["images"]["settled"] == len(urls)
    status = service.http.get("/api/status", params={"jobid": job_id}).json()
    (error,) = status["error"]
    for kind in {failure_kind(Cause(cause)) for cause in causes}:
        hit = sum(number for cause, number in causes.items() if failure_kind(Cause(cause)) == kind)
        assert f"{kind}: {hit} of {len(urls)} images, e.g. http" in error["error"]


@pytest.mark.slow
def test_images_of_a_good_host_do_not_wait_for_those_of_dead_ones(
    hostile: HostileOrigin, service: RunningService
) -> None:
    black_hole, hanging = (urls_of(hostile, name, 1_500) for name in ("black-hole", "hang-after-request"))
    job_id = service.submit(visits(black_hole + hanging + urls_of(hostile, "good-1", 400)))
    service.finished(job_id, seconds=110)
    results = service.results(job_id)
    causes = Counter(row["cause"] for row in results)
    assert causes == {None: 400, Cause.CONNECT: 1_500, Cause.STALLED: 1_500}
    last_good = max(row["settled_at"] for row in results[3_000:])
    settled_later = sum(row["settled_at"] > last_good for row in results[:3_000])
    assert settled_later > 2_700
    assert hostile.seen("hang-after-request").most_busy <= 16


def test_a_host_that_limits_its_rate_serves_all_its_images_in_the_end(
    hostile: HostileOrigin, service: RunningService
) -> None:
    before = hostile.seen("rate-limited").requests
    job_id = service.submit(visits(urls_of(hostile, "rate-limited", 200)))
    assert service.finished(job_id)["images"]["measured"] == 200
    asked = hostile.seen("rate-limited").requests - before
    assert (asked - 200) / asked < 0.4  # most of these in the first moments
