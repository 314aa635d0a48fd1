"""What must hold once every job has ended: each image as planned, exact counts, nothing held too long.

A good photo may have failed only while its origin was gone, and an image of a cancelled job may be cancelled.
"""

import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx

from retailpulse.domain.images import Cause
from tests.running import clean_environment, wait_for
from tests.soak.faults import Scene
from tests.soak.load import Accepted
from tests.soak.plans import KINDS, Image, draw
from tests.soak.stage import DEADLINE_SECONDS, SERVE_WORKERS

MOST_TOLD = 5
OUTAGE_CAUSES = frozenset({Cause.CONNECT, Cause.TRUNCATED, Cause.STALLED, Cause.TIMEOUT})
AFTERMATH = timedelta(seconds=DEADLINE_SECONDS + 10)
MOST_CONNECTIONS = 8 + 1 + (SERVE_WORKERS + 1) * (3 + 2)
"""One API and the workers, by the settings' defaults, one listener of each, and the scheduling of workers."""
LEFT = """
    SELECT (SELECT count(*) FROM slices) + (SELECT count(*) FROM grants)
        + (SELECT count(*) FROM deliveries WHERE state = 'pending')
"""
WRONG_SUMS = """
    SELECT count(*) FROM hosts h
    WHERE leased <> (SELECT coalesce(sum(slots), 0) FROM leases l WHERE l.host_id = h.host_id)
"""


class Checks:
    """Checks everything of one scene; `outcomes` counts what became of the images."""

    def __init__(self, scene: Scene, *, seed: int, images: int) -> None:
        self._scene = scene
        self._seed = seed
        self._images = images
        self.outcomes: Counter[str] = Counter()
        self.problems: list[str] = []

    def jobs(self) -> None:
        """Compares every accepted job with its plan."""
        with httpx.Client(base_url=self._scene.stage.url, timeout=120) as http:
            for job in self._scene.load.accepted:
                wrong = self._job(http, job)
                self.problems += [f"job {job.number} ({job.job_id}): {text}" for text in wrong[:MOST_TOLD]]
                if len(wrong) > MOST_TOLD:
                    self.problems.append(f"job {job.number}: and {len(wrong) - MOST_TOLD} more")

    def _job(self, http: httpx.Client, job: Accepted) -> list[str]:
        plan = draw(self._seed, job.number, self._images, self._scene.origin.port)
        report = http.get(f"/api/v1/jobs/{job.job_id}").json()
        lines = http.get(f"/api/v1/jobs/{job.job_id}/results", params={"format": "ndjson"}).text.splitlines()
        rows = [httpx.Response(200, text=line).json() for line in lines]
        counts: Counter[str] = Counter(row["outcome"] or "none" for row in rows)
        self.outcomes += counts
        wrong = _wrong_report(job, report, counts)
        if [row["image_url"] for row in rows] != [image.url for image in plan.images]:
            return [*wrong, "its results are not those of its images"]
        for row, image in zip(rows, plan.images, strict=True):
            if not self._is_right(row, image, job):
                wrong.append(
                    f"image {row['image_no']} {image.url}: {row['outcome']} {row['cause']} {row['detail']}"
                )
        return wrong

    def _is_right(self, row: dict[str, Any], image: Image, job: Accepted) -> bool:
        if row["outcome"] is None:
            return False
        if row["outcome"] == "cancelled":
            return job.is_cancelled and row["cause"] == Cause.CANCELLED
        if row["cause"] == image.cause:
            return bool(row["outcome"] == ("failed" if image.cause else "measured"))
        return image.cause not in {Cause.STORE_ID_NOT_FOUND, Cause.BLOCKED_ADDRESS, Cause.BAD_URL} and (
            self._met_an_outage(row)
        )

    def _met_an_outage(self, row: dict[str, Any]) -> bool:
        settled_at = datetime.fromisoformat(row["settled_at"])
        return row["cause"] in OUTAGE_CAUSES and any(
            gone_at <= settled_at <= back_at + AFTERMATH for gone_at, back_at in self._scene.outages
        )

    def tables(self) -> None:
        """Looks into the database: no job that nobody asked for, nothing in line, bounded connections."""
        stage = self._scene.stage
        with stage.connect() as connection:

            def number(query: Any) -> int:
                row = connection.execute(query).fetchone()
                return int(row[0]) if row else 0

            for query, what in ((LEFT, "slices, grants and messages"), (WRONG_SUMS, "wrong sums of slots")):
                try:
                    wait_for(partial(lambda asked: number(asked) == 0, query), 30)
                except AssertionError:
                    self.problems.append(f"{number(query)} {what} are left")
            jobs, accepted = number("SELECT count(*) FROM jobs"), len(self._scene.load.accepted)
            if jobs != accepted:
                self.problems.append(f"the database has {jobs} jobs, {accepted} were accepted")
            opened = number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'retailpulse'")
            if opened > MOST_CONNECTIONS:
                self.problems.append(f"{opened} connections are open, more than {MOST_CONNECTIONS}")

    def own_check(self) -> None:
        """Asks the product itself whether its data is right."""
        done = subprocess.run(
            [sys.executable, "-m", "retailpulse", "check", f"--data-dir={self._scene.stage.data_dir}"],
            env=clean_environment(),
            cwd=self._scene.stage.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            self.problems.append(
                f"retailpulse check ended with {done.returncode}: {done.stdout}{done.stderr}"
            )

    def repeated_share(self) -> float:
        """Requests for good photos beyond one for each, as a share of the images asked for."""
        asked = [
            count
            for path, count in self._scene.origin.requests.items()
            if KINDS[path.split("/")[1]].cause is None
        ]
        return (sum(asked) - len(asked)) / max(1, len(asked))


def _wrong_report(job: Accepted, report: dict[str, Any], counts: Counter[str]) -> list[str]:
    """What a job's report says that its rows or its past do not."""
    wrong = []
    images = report["images"]
    told = {name: images.get(name, 0) for name in ("measured", "failed", "cancelled")}
    if told != {name: counts[name] for name in told}:
        wrong.append(f"it counts {told}, its results are {dict(counts)}")
    if images["settled"] != images["total"]:
        wrong.append(f"{images['settled']} of {images['total']} images are settled")
    finished = "failed" if counts["failed"] else "completed"
    expected = "cancelled" if job.is_cancelled else finished
    if {report["status"], job.status} != {expected}:
        wrong.append(f"it is {report['status']} and was told to be {job.status}, it should be {expected}")
    return wrong
