"""One soak from its start to its verdict: load, faults, quiet, checks, stop, what is left."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.soak.checks import Checks
from tests.soak.faults import FAULTS, Scene, deal
from tests.soak.load import Load
from tests.soak.origin import SoakOrigin
from tests.soak.report import Report
from tests.soak.stage import Stage
from tests.soak.watch import Watch
from tests.storage.truth import longest_pause_seconds

PROGRESS_SECONDS = 10.0
SECONDS_PER_IMAGE = 0.02
"""How long an unfinished image may still take once nothing is broken any more, at the slowest."""
PATIENCE_SECONDS = 120.0

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is wanted of a soak; a pause between faults is drawn between the two bounds."""

    seed: int
    seconds: float
    jobs: int
    images: int
    pause_seconds: tuple[float, float] = (5.0, 20.0)


def soak(wishes: Wishes, say: Say) -> Report:
    """Runs the service under faults, lets it come to rest, and says what is off."""
    report = Report(seed=wishes.seed, fault_seconds=wishes.seconds)
    with _folder() as folder, SoakOrigin() as origin:
        stage = Stage(folder)
        load = Load(
            stage.url, seed=wishes.seed, jobs=wishes.jobs, images=wishes.images, origin_port=origin.port
        )
        scene = Scene(stage=stage, load=load, origin=origin)
        watch = Watch(stage)
        try:
            stage.start()
            watch.start()
            load.start()
            _break_things(scene, wishes, report, say)
            say("no more faults; waiting for every job to end")
            load.finish(PATIENCE_SECONDS + SECONDS_PER_IMAGE * wishes.jobs * wishes.images)
            _judge(scene, watch, wishes, report)
            watch.close()
            _stop(stage, watch, report)
        finally:
            load.finish(0)
            watch.close()
            stage.close()
        if report.problems:
            say(f"the logs are kept in {_keep_logs(folder, wishes.seed)}")
    return report


def _keep_logs(folder: Path, seed: int) -> Path:
    """Saves what the processes logged from the folder that goes away."""
    kept = Path(tempfile.mkdtemp(prefix=f"soak-{seed}-logs-"))
    for log in [*folder.glob("*.log"), *folder.glob("data/postgres/*.log")]:
        shutil.copy(log, kept)
    return kept


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that other users may pass through."""
    made = Path(tempfile.mkdtemp(prefix="soak-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _break_things(scene: Scene, wishes: Wishes, report: Report, say: Say) -> None:
    pauses = Random(f"{wishes.seed}-pauses")
    began_at = told_at = time.monotonic()
    dealt = deal(wishes.seed)
    while True:
        fault_at = time.monotonic() + pauses.uniform(*wishes.pause_seconds)
        while (now := time.monotonic()) < fault_at:
            if now - told_at >= PROGRESS_SECONDS:
                told_at = now
                jobs = scene.load.accepted
                say(f"{now - began_at:7.1f} s  {len(jobs):,} jobs, {scene.load.settled():,} images settled")
            time.sleep(0.1)
        if now - began_at >= wishes.seconds:
            return
        name, chance = next(dealt)
        done = FAULTS[name](scene, chance)
        report.faults[name] += 1
        say(f"{now - began_at:7.1f} s  {name}: {done}")


def _judge(scene: Scene, watch: Watch, wishes: Wishes, report: Report) -> None:
    checks = Checks(scene, seed=wishes.seed, images=wishes.images)
    checks.jobs()
    checks.tables()
    checks.own_check()
    report.jobs = len(scene.load.accepted)
    report.cancelled_jobs = sum(job.is_cancelled for job in scene.load.accepted)
    report.images = report.jobs * wishes.images
    report.outcomes = checks.outcomes
    report.repeated_share = checks.repeated_share()
    with scene.stage.connect() as connection:
        report.longest_pause_seconds = longest_pause_seconds(connection)
    report.retried_requests = scene.load.retried_requests
    report.problems += [*scene.load.problems, *checks.problems, *watch.grown()]


def _stop(stage: Stage, watch: Watch, report: Report) -> None:
    for name, code in stage.stop().items():
        if code != 0:
            report.problems.append(f"{name} was stopped and ended with code {code}")
    report.problems += [*stage.problems, *watch.left_behind()]
