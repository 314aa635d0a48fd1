"""With RETAILPULSE_FETCH_HIDE_INTERNAL_NAMES no answer tells names inside from such as do not exist."""

import io
import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from pyarrow import parquet

from tests.api.jobs import CORNER_SHOP, body, post, visit
from tests.api.test_deliveries import deliveries
from tests.conftest import STORES
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for

INTERNAL, MISSING = "localhost", "no-such-host.invalid"
_ALIKE = (
    (re.compile(rf"{INTERNAL}|{MISSING}"), "HOST"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|msg_\w+"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
    (re.compile(r'"(images_per_second|seconds)": ?[\d.]+'), "SECONDS"),  # test_names.py looks at times
)


@pytest.fixture(scope="module")
def hiding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service for which loopback is inside, and which hides what lies there."""
    hidden = {"RETAILPULSE_FETCH_ALLOWED_NETWORKS": "", "RETAILPULSE_FETCH_HIDE_INTERNAL_NAMES": "true"}
    running = RunningService(tmp_path_factory.mktemp("hiding"), environment=hidden, is_migrated=True)
    try:
        running.wait_until_ready()
        running.http.put("/api/v1/stores", content=STORES.encode())
        yield running
    finally:
        code = running.stop()
    assert code == 0, running.log()


@pytest.fixture(scope="module")
def jobs(hiding: RunningService) -> dict[str, str]:
    """A job of three photos for each of the two hosts, tried twice, and whose receiver is there too."""
    with Origin() as origin:
        port = origin.port
        origin.serve("/hook", Reply())
        made = {host: _job(hiding, f"http://{host}:{port}") for host in (INTERNAL, MISSING)}
        for job_id in made.values():
            wait_for(partial(_is_delivered_twice, hiding, job_id))
        assert origin.connections == 0
    return made


def _job(service: RunningService, site: str) -> str:
    photos = [f"{site}/{number}.jpg" for number in range(3)]
    fields = {"callback_url": f"{site}/hook"}
    answer = post(service, body(visit(CORNER_SHOP, *photos), **fields), "/api/v1/jobs")
    job_id = str(answer.json()["job_id"])
    service.finished(job_id)
    assert service.http.post(f"/api/v1/jobs/{job_id}/retry", json={"causes": ["dns"]}).status_code == 200
    service.finished(job_id)
    return job_id


def _is_delivered_twice(service: RunningService, job_id: str) -> bool:
    return len(_tries(service, job_id)) == 2  # of both ends


def _tries(service: RunningService, job_id: str) -> list[dict[str, Any]]:
    """The first tries of the callbacks of a job: how many more there are by now is chance."""
    return [delivery["tries"][0] for delivery in deliveries(service, job_id) if delivery["tries"]]


def _response_of(service: RunningService, path: str, **query: Any) -> bytes:
    answer = service.http.get(path, params=query)
    return b"%d %s" % (answer.status_code, answer.content)


def all_responses(service: RunningService, job_id: str) -> dict[str, Any]:
    """What the API tells of a job and its host, without what differs between any two."""
    job = f"/api/v1/jobs/{job_id}"
    results = f"{job}/results"
    told: dict[str, Any] = {
        "status": _response_of(service, "/api/status", jobid=job_id),
        "job": _response_of(service, job),
        "stores": _response_of(service, f"{job}/stores"),
        "events": _response_of(service, f"{job}/events"),
        "json": _response_of(service, results, format="json"),
        "csv": _response_of(service, results, format="csv"),
        "ndjson": _response_of(service, results, format="ndjson"),
        "earlier": _response_of(service, results, format="ndjson", include="earlier"),
        "blocked": _response_of(service, results, cause="blocked_address"),
        "dns": _response_of(service, results, cause="dns"),
        "retry": _retry(service, job),
        "tries": json.dumps(_tries(service, job_id)).encode(),
    }
    rows = parquet.read_table(io.BytesIO(service.http.get(results, params={"format": "parquet"}).content))
    told["parquet"] = rows.drop_columns(["settled_at"]).to_pylist()
    (site,) = {url.rpartition("/")[0] for url in rows["image_url"].to_pylist()}
    told["host"] = _response_of(service, "/api/v1/hosts", origin=site)
    return {name: _alike(repr(text)) for name, text in told.items()}


def _retry(service: RunningService, job: str) -> bytes:
    """What a retry of what was blocked answers: that there is nothing."""
    retried = {"causes": ["blocked_address"]}
    answer = service.http.post(f"{job}/retry", json=retried, headers={"X-Request-Id": "same"})
    return b"%d %s" % (answer.status_code, answer.content)


def _alike(text: str) -> str:
    for pattern, word in _ALIKE:
        text = pattern.sub(word, text)
    return text


def test_nothing_that_is_told_differs(hiding: RunningService, jobs: dict[str, str]) -> None:
    internal, missing = (all_responses(hiding, jobs[host]) for host in (INTERNAL, MISSING))
    assert internal == missing
    assert "the host name has no address that is fetched from" in internal["csv"]
    assert internal["retry"].startswith("b'409 ")
    assert "blocked_address" not in "".join(
        text for name, text in internal.items() if name not in ("blocked", "retry")
    )


def test_the_log_alone_tells_which_it_was(hiding: RunningService, jobs: dict[str, str]) -> None:
    assert f"{INTERNAL} exists, but its addresses are not allowed" in hiding.log()
    assert f"{MISSING} exists" not in hiding.log()
    assert len(jobs) == 2
