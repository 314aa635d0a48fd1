"""Images that kill the worker which fetches them, or keep its event loop: each ends, and costs only itself.

No fault that does either is known, so workers are poisoned from outside (`poison/sitecustomize.py`): the path
of a photo says what it does to them.
"""

import os
import re
import signal
from pathlib import Path

from retailpulse.domain.images import Cause
from tests.faults.breaking import ask, asleep, holders, in_hand, wait_for_workers, with_signal
from tests.lifecycle.processes import LEADING, PICTURE, Shop, processes_in, submit
from tests.origin import Reply
from tests.processes import is_gone, stat
from tests.running import RunningService, wait_for

STALL_SECONDS = 3
POISON = {
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "poison"), os.environ.get("PYTHONPATH", "")]),
    "RETAILPULSE_WORKER_STALL_SECONDS": str(STALL_SECONDS),
}
GOOD = 198
BEFORE = "2 workers were lost before while they had it"
KILLED = f"tried alone in a process, which was killed by signal 9 (killed); {BEFORE}"
STALLED = KILLED.replace("was killed by signal 9 (killed)", f"did nothing any more for {STALL_SECONDS} s")
Told = tuple[int, str, str]


def failures(running: RunningService, job_id: str) -> list[Told]:
    rows = running.results(job_id)
    return [(row["image_no"], row["cause"], row["detail"]) for row in rows if row["outcome"] == "failed"]


def workers_lost(running: RunningService) -> int:
    return len(re.findall(r"worker \(process \d+\) ended with code", running.log()))


def workers_noted(shop: Shop) -> int:
    return len(ask(shop, "SELECT DISTINCT process FROM losses"))


def until_noted(shop: Shop, workers: int) -> None:
    wait_for(lambda: workers_noted(shop) == workers)


def frozen(shop: Shop) -> set[int]:
    """Freezes every process of a shop, also what others begin meanwhile; some end of themselves."""
    stopped: set[int] = set()

    def are_frozen() -> bool:
        new = processes_in(shop.folder).keys() - stopped
        for pid in new:
            with_signal(pid, signal.SIGSTOP)
        stopped.update(new)
        return not new and all(stat(pid)[0] == "T" or is_gone(pid) for pid in stopped)

    wait_for(are_frozen)
    return stopped


def metric(running: RunningService, series: str) -> float:
    (line,) = [
        line for line in running.http.get("/metrics").text.splitlines() if line.startswith(f"{series} ")
    ]
    return float(line.rpartition(" ")[2])


def test_a_killer_and_a_blocker_among_good_photos_end_and_cost_only_themselves(shop: Shop) -> None:
    running = shop.serve(workers=2, **POISON)
    wait_for_workers(shop, 2)
    good = shop.photos(GOOD, seconds=0.02)
    killer, blocker = shop.origin.url("/killer.png"), shop.origin.url("/blocker.png")
    job_id = submit(running, [*good[:50], killer, *good[50:120], blocker, *good[120:]])
    report = running.finished(job_id, seconds=120)
    assert failures(running, job_id) == [
        (51, Cause.WORKER_CRASHED, KILLED),
        (122, Cause.WORKER_CRASHED, STALLED),
    ]
    assert report["images"]["measured"] == GOOD
    shop.check_truth(job_id)
    assert workers_lost(running) <= 4, "two for each"
    assert running.http.get("/health/ready").status_code == 200
    assert metric(running, 'retailpulse_workers_replaced_total{reason="crashed"}') == 2
    assert metric(running, 'retailpulse_workers_replaced_total{reason="stalled"}') == 2
    retried = running.http.post(f"/api/v1/jobs/{job_id}/retry", json={"causes": ["worker_crashed"]})
    assert retried.status_code == 200
    assert running.finished(job_id, seconds=120)["images"]["failed"] == 2
    assert [cause for _, cause, _ in failures(running, job_id)] == [Cause.WORKER_CRASHED] * 2
    shop.check_truth(job_id)


def test_images_that_three_workers_were_killed_with_are_measured(shop: Shop) -> None:
    """They were in hand, and did nothing: in quarantine that shows."""
    gate = shop.gate()
    running = shop.serve(RETAILPULSE_WORKER_STALE_SECONDS="600")  # no sweep: `serve` releases what they had
    job_id = submit(running, shop.photos(6, before=gate))
    for count in (1, 2, 3):
        wait_for(lambda: in_hand(shop) and shop.origin.busy)
        (victim,) = wait_for(lambda: running.pids()["worker"])
        os.kill(victim, signal.SIGKILL)
        until_noted(shop, count)
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 6
    assert "were lost" not in running.log()
    shop.check_truth(job_id)


def test_a_stop_and_a_clean_start_blame_nobody(shop: Shop) -> None:
    gate = shop.gate()
    job_id = ""
    for _ in range(3):
        running = shop.serve(RETAILPULSE_WORKER_GRACE_SECONDS="0")
        job_id = job_id or submit(running, shop.photos(6, before=gate))
        wait_for(lambda: in_hand(shop) and shop.origin.busy)
        assert running.stop() == 0
    running = shop.serve()
    assert ask(shop, "SELECT FROM losses") == []
    assert (
        ask(shop, "SELECT FROM slices WHERE host_id = 0 UNION ALL SELECT FROM grants WHERE host_id = 0") == []
    )
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 6
    shop.check_truth(job_id)


def test_a_worker_that_is_killed_while_it_stops_blames_nobody(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve(workers=2)
    wait_for_workers(shop, 2)
    job_id = submit(running, [*shop.leading(), *shop.photos(12, before=gate)])
    wait_for(lambda: running.job(job_id)["images"]["settled"] == LEADING and holders(shop) == 2)
    victim = running.pids()["worker"][0]
    os.kill(victim, signal.SIGTERM)
    wait_for(lambda: ask(shop, "SELECT FROM workers WHERE is_stopping"))
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not ask(shop, "SELECT FROM workers WHERE is_stopping"))
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == LEADING + 12
    assert ask(shop, "SELECT FROM losses") == []
    shop.check_truth(job_id)


def test_everything_frozen_for_longer_than_all_patience_blames_nobody(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve(workers=2, RETAILPULSE_WORKER_STALL_SECONDS="2", RETAILPULSE_API_STALL_SECONDS="3")
    wait_for_workers(shop, 2)
    job_id = submit(running, shop.photos(12, before=gate))
    wait_for(lambda: holders(shop) and shop.origin.busy >= 8)
    before = running.pids()
    for _ in range(2):
        pids = frozen(shop)
        gate.wait(4)  # by the clock, as it is the time of a sleep that is tried
        for pid in pids:
            with_signal(pid, signal.SIGCONT)
        wait_for(lambda: running.http.get("/health/ready").status_code == 200)
        wait_for_workers(shop, 2)
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 12
    assert running.pids() == before
    assert ask(shop, "SELECT FROM losses") == []
    shop.check_truth(job_id)


def test_who_was_swept_in_its_sleep_takes_the_loss_back(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve(workers=2)
    wait_for_workers(shop, 2)
    job_id = submit(running, shop.photos(12, before=gate))
    wait_for(lambda: holders(shop) == 2)
    with asleep(running.pids()["worker"][0]):
        wait_for(lambda: ask(shop, "SELECT FROM losses"))
    wait_for(lambda: not ask(shop, "SELECT FROM losses"))
    gate.set()
    assert running.finished(job_id)["images"]["measured"] == 12
    shop.check_truth(job_id)


def test_one_that_keeps_a_loop_for_longer_than_the_stale_time_is_measured_in_the_end(shop: Shop) -> None:
    """Each worker is swept while it is busy, and its result comes too late: only in quarantine it counts."""
    running = shop.serve(workers=3, **POISON | {"RETAILPULSE_WORKER_STALL_SECONDS": "60"})
    wait_for_workers(shop, 3)
    hog = shop.origin.serve("/hog.png", Reply(body=PICTURE, seconds=1.5))
    job_id = submit(running, [hog, *shop.photos(8)])
    assert running.finished(job_id)["images"]["measured"] == 9
    assert workers_lost(running) == 0
    assert running.log().count("taken for dead") <= 2, "it does not go round for ever"
    shop.check_truth(job_id)
