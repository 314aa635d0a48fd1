"""A client that submits small jobs without a pause and notes every answer, whatever breaks meanwhile."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.faults.postgres import ask
from tests.running import RunningService, wait_for


def wait_until_ended(running: RunningService, job_ids: Iterable[str]) -> None:
    """Waits until all jobs have ended."""
    for job_id in job_ids:
        running.finished(job_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one submit was answered, None where it was nothing; its job is found by its visit time, `mark`."""

    mark: str
    began_at: float
    status: int | None
    job_id: str | None
    retry_after: str | None
    is_unconfirmed: bool


THREADS = 2


class Submitter:
    """Submits one photo after another from some threads; `answers` may be read at any time."""

    def __init__(self, url: str, photos: Callable[[int], list[str]]) -> None:
        self.answers: list[Answer] = []
        self._url = url
        self._photos = photos
        self._changing = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._submit_many, args=[n]) for n in range(THREADS)]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Submits while the block runs."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()

    def accepted(self) -> list[str]:
        """The ids of all jobs that were accepted so far."""
        return [answer.job_id for answer in list(self.answers) if answer.job_id]

    def refused(self) -> list[Answer]:
        """All refusals so far."""
        return [answer for answer in list(self.answers) if answer.status not in {201, None}]

    def lost(self, url: str) -> set[str]:
        """The jobs that were answered by 201 and are not in the database."""
        return set(self.accepted()) - {str(job_id) for (job_id,) in ask(url, "SELECT job_id FROM jobs")}

    def with_unknown_commit(self, url: str) -> list[str]:
        """The jobs in the database whose submit was not answered, or by the word that nobody knows.

        Of every other submit that was not answered by 201, nothing is there.
        """
        unknown = [answer for answer in self.answers if answer.status is None or answer.is_unconfirmed]
        refused = [answer for answer in self.refused() if not answer.is_unconfirmed]
        assert self._kept(url, refused) == []
        return self._kept(url, unknown)

    @staticmethod
    def _kept(url: str, answers: Iterable[Answer]) -> list[str]:
        marks = [answer.mark for answer in answers]
        found = ask(url, "SELECT job_id FROM visits WHERE visit_time = ANY(%s)", marks)
        return [str(job_id) for (job_id,) in found]

    def wait_until_accepted(self, more: int) -> None:
        """Waits for so many further jobs to be accepted."""
        enough = len(self.accepted()) + more
        wait_for(lambda: len(self.accepted()) >= enough)

    def wait_until_refused(self, more: int) -> None:
        """Waits for so many further jobs to be refused."""
        enough = len(self.refused()) + more
        wait_for(lambda: len(self.refused()) >= enough)

    def check_refusals(self) -> None:
        """Every refusal was one for now, and said when to come again."""
        refused = self.refused()
        assert {answer.status for answer in refused} <= {503}, refused
        assert all(answer.retry_after and int(answer.retry_after) > 0 for answer in refused)

    def _submit_many(self, thread: int) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as http:
            number = 0
            while not self._over.wait(0.01):
                number += 1
                self._submit(http, f"submit {number} of thread {thread}")

    def _submit(self, http: httpx.Client, mark: str) -> None:
        with self._changing:
            urls = self._photos(1)
        visit = {"store_id": "RP00001", "image_url": urls, "visit_time": mark}
        began = time.monotonic()
        try:
            answer = http.post("/api/submit", json={"count": 1, "visits": [visit]})
        except httpx.TransportError:
            self._note(mark, began, None)
        else:
            self._note(mark, began, answer)

    def _note(self, mark: str, began: float, answer: httpx.Response | None) -> None:
        accepted = answer is not None and answer.status_code == 201
        self.answers.append(
            Answer(
                mark=mark,
                began_at=began,
                status=answer.status_code if answer is not None else None,
                job_id=answer.json()["job_id"] if answer is not None and accepted else None,
                retry_after=answer.headers.get("retry-after") if answer is not None else None,
                is_unconfirmed=answer is not None and "is not known" in answer.text,
            )
        )
