"""Keeps count of the messages that this worker works on.

When the database fails just as a message is closed, the message stays "in work" for ever while its
worker lives. Nobody else can know that; the worker itself can.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from procrastinate.jobs import Job


class Messages:
    """The messages in work here, and those that the queue believes to be."""

    def __init__(self) -> None:
        self._running: dict[int, int | None] = {}
        self._worker_ids: set[int] = set()
        self._suspects: set[int] = set()

    @contextmanager
    def working_on(self, message: Job) -> Iterator[None]:
        """Counts a message as in work."""
        if message.worker_id is not None:
            self._worker_ids.add(message.worker_id)
        number = message.id or 0
        self._running[number] = message.worker_id
        try:
            yield
        finally:
            self._running.pop(number, None)

    def holders(self) -> set[int]:
        """The names under which the queue knows whoever holds the messages in work here."""
        return {worker_id for worker_id in self._running.values() if worker_id is not None}

    def forgotten(self, in_work: Iterable[Job]) -> list[Job]:
        """Messages that the queue holds for us and nobody works on, two sweeps in a row.

        Once could be a message on its way in or out.
        """
        ours = [job for job in in_work if job.worker_id in self._worker_ids and job.id not in self._running]
        confirmed = [job for job in ours if job.id in self._suspects]
        self._suspects = {job.id for job in ours if job.id is not None} - {job.id for job in confirmed}
        return confirmed
