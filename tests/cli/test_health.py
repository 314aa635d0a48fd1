"""`retailpulse health`: for people, and for programs that read JSON."""

import json

from tests.cli.conftest import Run
from tests.running import RunningService


def test_health_says_that_the_service_is_ready(run: Run, service: RunningService) -> None:
    port = service.url.rpartition(":")[2]
    assert run("health", "--port", port).stdout == "ready\n"
    answer = run("health", "--port", port, "--json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (0, {"ready": True, "reason": None})


def test_health_says_why_it_is_not(run: Run) -> None:
    assert run("health", "--port", "1").exit_code == 1
    answer = run("health", "--port", "1", "--json")
    as_click_error = json.loads(answer.stdout)
    assert (answer.exit_code, as_click_error["ready"]) == (1, False)
    assert as_click_error["reason"].startswith("nothing answers on 127.0.0.1:1")
