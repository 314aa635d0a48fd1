"""The client of the soak: keeps jobs going, asks again until each is accepted, and follows it to its end.

What it was promised it notes, and what breaks a promise on the way; the rest is checked at the end.
"""

import threading
import time
from dataclasses import dataclass
from random import Random

import httpx

from tests.soak.plans import draw

PAUSE_SECONDS = 0.3
ENDED = ("completed", "failed", "cancelled")


@dataclass(kw_only=True)
class Accepted:
    """A job that the service has taken: what it said of it last."""

    number: int
    job_id: str
    depth: str
    status: str = "ongoing"
    settled: int = 0
    is_cancelled: bool = False  # a cancel was answered with 200


class Load:
    """Clients in threads, each with one job after the other."""

    def __init__(self, url: str, *, seed: int, jobs: int, images: int, origin_port: int) -> None:
        self._url = url
        self._seed = seed
        self._images = images
        self._origin_port = origin_port
        self._lock = threading.Lock()
        self._finishing = threading.Event()
        self._giving_up = threading.Event()
        self._threads = [threading.Thread(target=self._work, name=f"client-{n}") for n in range(jobs)]
        self._number = 0
        self.retried_requests = 0
        self.accepted: list[Accepted] = []
        self.problems: list[str] = []

    def start(self) -> None:
        """Begins to submit."""
        for thread in self._threads:
            thread.start()

    def finish(self, seconds: float) -> None:
        """Submits nothing new and waits until every accepted job has ended; notes those that do not."""
        self._finishing.set()
        give_up_at = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))
        self._giving_up.set()
        for thread in self._threads:
            thread.join()
        for job in self.accepted:
            if job.status not in ENDED:
                self.problems.append(
                    f"job {job.job_id} has not ended: {job.settled} of {self._images} settled"
                )

    def settled(self) -> int:
        """How many images are settled, by what the service said last."""
        return sum(job.settled for job in list(self.accepted))

    def cancel(self, chance: Random) -> str:
        """Cancels one of the jobs that go on; says which."""
        going = [job for job in list(self.accepted) if job.status not in ENDED]
        if not going:
            return "no job to cancel"
        job = chance.choice(going)
        with httpx.Client(base_url=self._url, timeout=30) as http:
            answer = self._ask(http, "POST", f"/api/v1/jobs/{job.job_id}/cancel")
        if answer is None:
            return "nobody answered"
        if answer.status_code == 200:
            job.is_cancelled = True
        elif answer.status_code != 409:
            self.problems.append(f"cancel of {job.job_id}: {answer.status_code} {answer.text[:200]}")
        return f"job {job.number}: {answer.status_code}"

    def _work(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as http:
            while not self._finishing.is_set():
                with self._lock:
                    self._number += 1
                    number = self._number
                job = self._submit(http, number)
                if job is not None:
                    self._follow(http, job)

    def _submit(self, http: httpx.Client, number: int) -> Accepted | None:
        """Submits until the job is accepted; the key makes it one job however often it is sent."""
        plan = draw(self._seed, number, self._images, self._origin_port)
        key = f"soak-{self._seed}-{number}"
        answer = self._ask(http, "POST", "/api/submit", plan.body, {"Idempotency-Key": key})
        if answer is None:
            return None
        if answer.status_code != 201:
            self.problems.append(f"submit {number}: {answer.status_code} {answer.text[:200]}")
            return None
        job = Accepted(number=number, job_id=str(answer.json()["job_id"]), depth="decode")
        self.accepted.append(job)
        return job

    def _follow(self, http: httpx.Client, job: Accepted) -> None:
        while not self._giving_up.is_set():
            answer = self._ask(http, "GET", f"/api/v1/jobs/{job.job_id}")
            if answer is None:
                return
            if answer.status_code != 200:
                self.problems.append(f"job {job.job_id}: {answer.status_code} {answer.text[:200]}")
                return
            report = answer.json()
            if report["images"]["settled"] < job.settled:
                self.problems.append(
                    f"job {job.job_id}: settled fell from {job.settled} to {report['images']}"
                )
            job.settled, job.status = report["images"]["settled"], report["status"]
            if job.status in ENDED:
                return
            self._giving_up.wait(PAUSE_SECONDS)

    def _ask(
        self,
        http: httpx.Client,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response | None:
        """Asks again while the service is away or says "not now"; None once it is time to give up."""
        while not self._giving_up.is_set():
            try:
                answer = http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 500:
                self.problems.append(f"{method} {path}: 500 {answer.text[:200]}")
            elif answer is not None and answer.status_code != 503:
                return answer
            self.retried_requests += 1
            self._giving_up.wait(PAUSE_SECONDS)
        return None
