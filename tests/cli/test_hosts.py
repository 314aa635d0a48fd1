"""The command `hosts`, and what `status` says of the hosts that a job waits for."""

import json
from typing import Any

from tests.canned import JOB_ID, CannedService, as_json, job
from tests.cli.conftest import Run


def host(**changes: Any) -> dict[str, Any]:
    """A host as the service describes it."""
    return {
        "origin": "https://photos.example:443",
        "cap": 16,
        "in_flight": 15,
        "leased": 16,
        "waiting": 4_880,
        "waiting_jobs": 2,
        "counted_all": True,
        "taken": 21,
        "latency_seconds": 2.0,
        "rate_per_second": None,
        "breaker": "closed",
        "rest_seconds": 0.0,
        "failed_probes": 0,
        "last_refusal": None,
        **changes,
    }


def test_hosts_are_a_line_each(run: Run, canned: CannedService) -> None:
    refusal = {"cause": "http_status", "detail": "HTTP 429\x1b", "at": "2026-11-20T10:00:00Z"}
    troubled = host(
        origin="http://slow.example:80",
        cap=None,
        waiting=128_000,
        counted_all=False,
        latency_seconds=None,
        rate_per_second=2.5,
        breaker="open",
        rest_seconds=12.2,
        last_refusal=refusal,
    )
    canned.on("GET /api/v1/hosts", as_json({"items": [troubled, host()], "next": None}))
    result = run("hosts", "--origin", "http://slow.example:80", "--origin", "https://photos.example:443")
    assert result.exit_code == 0
    header, first, second = result.stdout.splitlines()
    assert header.split()[:3] == ["WAITING", "JOBS", "TAKEN"]
    for words in (
        "128,000+",
        " 2.5/s",
        "open, rests 12 s",
        "http://slow.example:80",
        "HTTP 429\N{REPLACEMENT CHARACTER}",
    ):
        assert words in first
    assert second.split() == [
        "4,880", "2", "21", "15", "16", "16", "2,000", "ms", "-", "closed", "https://photos.example:443", "-"
    ]  # fmt: skip
    query = "origin=http%3A%2F%2Fslow.example%3A80&origin=https%3A%2F%2Fphotos.example%3A443&limit=1000"
    assert canned.asked[0].query == query


def test_hosts_as_json_are_an_array_of_all_that_is_known(run: Run, canned: CannedService) -> None:
    canned.on("GET /api/v1/hosts", as_json({"items": [host()], "next": None}))
    assert json.loads(run("hosts", "--json").stdout) == [host()]


def test_status_says_what_a_job_waits_for_and_why(run: Run, canned: CannedService) -> None:
    hosts = [
        {"origin": "https://a.example:443", "images": 4_000, "reason": "breaker"},
        {"origin": "https://b.example:443", "images": 3, "reason": None},
        {"origin": "https://c.example:443", "images": 2, "reason": "of a newer service"},
    ]
    canned.on_job(job(waiting_for={"hosts": hosts, "more_hosts": 7, "counted_all": False}))
    output = run("status", JOB_ID).stdout
    for words in (
        "https://a.example:443",
        "4,000+",
        "circuit breaker",
        "its turn",
        "newer service",
        "and 7 more",
    ):
        assert words in output
    canned.on_job(job(waiting_for=None))
    assert "Waits for" not in run("status", JOB_ID).stdout
