"""GET /api/v1/stats: what was settled lately, what waits, and who works on it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.jobs import CORNER_SHOP, NOWHERE, held, photo, visit
from tests.conftest import STORES
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[RunningService]:
    """A service that nobody else gives work."""
    running = RunningService(tmp_path, is_migrated=True)
    try:
        running.wait_until_ready()
        running.http.put("/api/v1/stores", content=STORES.encode())
        yield running
    finally:
        code = running.stop()
    assert code == 0, running.log()


def stats(service: RunningService) -> dict[str, Any]:
    """The numbers of this moment."""
    answer = service.http.get("/api/v1/stats")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_numbers_follow_what_is_settled_and_what_waits(alone: RunningService, origin: Origin) -> None:
    nothing = {"measured": 0, "failed": 0, "cancelled": 0, "bytes": 0}
    before = wait_for(lambda: (now := stats(alone))["workers"] and now)
    assert before == {
        "images": {"hour": nothing, "day": nothing},
        "causes": {"hour": {}, "day": {}},
        "images_per_second": 0.0,
        "unsettled_images": 0,
        "waiting_images": 0,
        "open_breakers": 0,
        "oldest_pending_seconds": None,
        "workers": 1,
        "workers_wanted": 0,
        "jobs": {"ongoing": 0, "completed": 0, "failed": 0, "cancelled": 0},
    }
    body = photo(30, 20)
    fine = origin.serve("/stats.png", Reply(body=body))
    alone.finished(alone.submit([visit(CORNER_SHOP, fine, f"{fine}?gone", fine)]))  # a copy counts too
    alone.finished(alone.submit([visit("nobody", fine, fine), visit(CORNER_SHOP, fine, NOWHERE)]))
    with held(origin, "/stats-slow.png", body) as slow:
        called_off = alone.submit([visit(CORNER_SHOP, slow, NOWHERE)])
        ongoing = alone.submit([visit(CORNER_SHOP, f"{slow}?2", slow)])
        wait_for(lambda: alone.job(called_off)["images"]["settled"] == 1)
        alone.http.post(f"/api/v1/jobs/{called_off}/cancel")
        now = wait_for(lambda: (now := stats(alone))["jobs"]["cancelled"] and now)
        assert now["unsettled_images"] == 2 - alone.job(ongoing)["images"]["settled"]
        assert 0 < now["oldest_pending_seconds"] < 60
        assert now["jobs"] == {"ongoing": 1, "completed": 0, "failed": 2, "cancelled": 1}
    ended = alone.finished(ongoing)
    after = wait_for(lambda: (now := stats(alone))["jobs"]["ongoing"] == 0 and now)
    measured = 3 + ended["images"]["measured"]
    failed = 1 + 2 + 1 + 1 + ended["images"]["failed"]
    counts = {"measured": measured, "failed": failed, "cancelled": 1, "bytes": measured * len(body)}
    assert after["images"] == {"hour": counts, "day": counts}
    causes = after["causes"]["day"]
    assert causes == after["causes"]["hour"]
    assert causes["store_id_not_found"] == causes["bad_url"] == 2
    assert (causes["cancelled"], sum(causes.values())) == (1, failed + 1)
    assert list(causes.values()) == sorted(causes.values(), reverse=True)
    assert after["images_per_second"] > 0
    assert (after["unsettled_images"], after["oldest_pending_seconds"]) == (0, None)


def test_the_commands_of_the_document_work(service: RunningService) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl (apt-get install curl)")
    text = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        command = block.replace("http://127.0.0.1:9090", service.url)
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-ec", command], capture_output=True, text=True, check=True, env=environment
        )
        assert done.stdout.strip()


def test_work_that_no_worker_takes_up_is_pending(tmp_path: Path) -> None:
    running = RunningService(
        tmp_path, environment={"RETAILPULSE_WORKER_STALE_SECONDS": "1"}, is_migrated=True
    )
    try:
        running.wait_until_ready()
        running.http.put("/api/v1/stores", content=STORES.encode())
        (worker,) = running.pids()["worker"]
        os.kill(worker, signal.SIGSTOP)
        wait_for(lambda: stats(running)["workers"] == 0)
        running.submit([visit(CORNER_SHOP, *[f"{NOWHERE} {number}" for number in range(50)])])
        now = wait_for(lambda: (now := stats(running))["unsettled_images"] and now)
        assert (now["unsettled_images"], now["waiting_images"]) == (50, 50)
        assert now["workers_wanted"] == 1  # as for all who scale to zero: an API alone tells it
        os.kill(worker, signal.SIGCONT)
        wait_for(lambda: stats(running)["unsettled_images"] == 0)
        assert stats(running)["waiting_images"] == 0
        wait_for(lambda: stats(running)["workers_wanted"] == 0)
    finally:
        code = running.stop()
    assert code == 0, running.log()
