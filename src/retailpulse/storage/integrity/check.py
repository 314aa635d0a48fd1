"""Checks the invariants of the tables over the whole database, part by part, and changes nothing.

Each statement has a snapshot of its own, so that none is held for long. What may be off for a moment (silent
workers) is looked at twice, more than a sweep apart. It blocks; it reads by one connection of its own.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from retailpulse.storage.integrity.count_invariants import COUNTS, JOBS_BY_STATE
from retailpulse.storage.integrity.flag_invariants import FLAGS
from retailpulse.storage.integrity.invariants import (
    COUNTERS,
    ROWS,
    SHARES,
    SILENT_WORKER,
    STATES,
    Invariant,
)
from retailpulse.storage.integrity.match_invariants import MATCHES
from retailpulse.storage.integrity.parts import WHOLE, Part, parts_from
from retailpulse.storage.integrity.review_invariants import REVIEWS
from retailpulse.storage.postgres.connecting import blocking_session
from retailpulse.storage.postgres.database import translated

EXAMPLES = 3
_INVARIANTS = (*COUNTERS, *COUNTS, JOBS_BY_STATE, *FLAGS, *STATES, *ROWS, *SHARES, *MATCHES, *REVIEWS)

_AT_ONCE = tuple(invariant for invariant in _INVARIANTS if not invariant.is_of_jobs)
_BY_PART = tuple(invariant for invariant in _INVARIANTS if invariant.is_of_jobs)

STEPS = len(_INVARIANTS) + 2
"""Of how many steps the progress of a check consists, whatever the number of its parts."""

SyncConnection = psycopg.Connection[tuple[Any, ...]]
_Row = tuple[str | None, int, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StaleThresholds:
    """When what is off is not on its way of being mended any more: the times of the workers, in seconds.

    `margin_seconds` is for the sweep itself, and for what it hands back to be taken.
    """

    sweep_seconds: float
    stale_seconds: float
    margin_seconds: float = 2.0

    @property
    def look_again_seconds(self) -> float:
        """How long after the first look the second one is."""
        return self.sweep_seconds + self.margin_seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One row that breaks an invariant; `job_id` is None if no job can be told."""

    job_id: str | None
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A broken invariant: how often, and a few examples."""

    name: str
    broken: str
    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class IntegrityReport:
    """What a check found, and how many rows there are."""

    jobs: int
    images: int
    results: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """How far a check is: parts done of all, the first job of the next one, and what was found till now."""

    done: int
    parts: int
    next_job_id: UUID | None
    findings: tuple[Finding, ...]


def check_invariants(
    url: str,
    thresholds: StaleThresholds,
    *,
    before_second_look: Callable[[str], None] = lambda _: None,
    first: UUID | None = None,
    on_part: Callable[[Reached], None] = lambda _: None,
) -> IntegrityReport:
    """Checks every invariant on the database at `url`; its tables have this program's version.

    With `first` it goes on there: jobs from that one on are checked, and what is of single jobs alone.
    Calls `before_second_look` with a sentence if it has to wait; raises DatabaseUnavailable.
    """
    with translated(), blocking_session(url, autocommit=False) as connection:
        return check_over(
            connection, thresholds, before_second_look=before_second_look, first=first, on_part=on_part
        )


def check_over(
    connection: SyncConnection,
    thresholds: StaleThresholds,
    *,
    before_second_look: Callable[[str], None] = lambda _: None,
    before_step: Callable[[int], None] = lambda _: None,
    sleep: Callable[[float], object] = time.sleep,
    first: UUID | None = None,
    on_part: Callable[[Reached], None] = lambda _: None,
) -> IntegrityReport:
    """The same over a connection; calls `before_step`, in a transaction, with the number of steps done."""
    work = _Work(connection, before_step)
    parts = work.cut(first)
    if first is None:
        for invariant in _AT_ONCE:
            work.find(invariant, WHOLE)
    for done, part in enumerate(parts):
        on_part(Reached(done=done, parts=len(parts), next_job_id=part.first, findings=work.findings()))
        work.count(part)
        for invariant in _BY_PART:
            work.find(invariant, part)
    with _snapshot(connection):
        before_step(STEPS - 1)
        silent = _silent_workers(connection, thresholds)
    if silent:
        before_second_look(_expectation(len(silent), thresholds))
        sleep(thresholds.look_again_seconds)
        with _snapshot(connection):
            before_step(STEPS - 1)
            silent &= _silent_workers(connection, thresholds)
    of_workers = _finding(SILENT_WORKER, len(silent), sorted(silent, key=lambda row: row[1])[:EXAMPLES])
    jobs, images, results = work.totals
    findings = (*work.findings(), *([of_workers] if silent else []))
    return IntegrityReport(jobs=jobs, images=images, results=results, findings=findings)


class _Work:
    """Takes the steps of a check, each in a transaction, and adds up what they find."""

    def __init__(self, connection: SyncConnection, before_step: Callable[[int], None]) -> None:
        self._connection = connection
        self._before_step = before_step
        self._done = 0
        self._all = STEPS
        self._found: dict[str, Finding] = {}
        self.totals = (0, 0, 0)

    def cut(self, first: UUID | None) -> list[Part]:
        with self._step():
            parts = parts_from(self._connection, first)
        self._all = 2 + len(_AT_ONCE) * (first is None) + len(parts) * (1 + len(_BY_PART))
        return parts

    def count(self, part: Part) -> None:
        with self._step():
            counted = _totals(self._connection, part)
        jobs, images, results = (a + b for a, b in zip(self.totals, counted, strict=True))
        self.totals = (jobs, images, results)

    def find(self, invariant: Invariant, part: Part) -> None:
        with self._step():
            found = _find(self._connection, invariant, part)
        before = self._found.get(invariant.name)
        if before is not None:
            examples = (*before.examples, *found.examples)[:EXAMPLES]
            found = replace(found, count=before.count + found.count, examples=examples)
        self._found[invariant.name] = found

    def findings(self) -> tuple[Finding, ...]:
        found = (self._found.get(invariant.name) for invariant in _INVARIANTS)
        return tuple(finding for finding in found if finding is not None and finding.count)

    @contextmanager
    def _step(self) -> Iterator[None]:
        with _snapshot(self._connection):
            self._before_step(min(self._done * STEPS // self._all, STEPS - 1))
            yield
        self._done += 1


@contextmanager
def _snapshot(connection: SyncConnection) -> Iterator[None]:
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL work_mem = '64MB'")
        yield


def _totals(connection: SyncConnection, part: Part) -> tuple[int, int, int]:
    statement = sql.SQL("""
        WITH {part} counted AS (
            SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM images), (SELECT count(*) FROM results))
        SELECT * FROM counted
    """).format(part=part.queries)
    jobs, images, results = connection.execute(statement).fetchone() or (0, 0, 0)
    return jobs, images, results


def _find(connection: SyncConnection, invariant: Invariant, part: Part) -> Finding:
    statement = sql.SQL("""
        WITH {part} broken (job_id, number, detail) AS MATERIALIZED ({invariant})
        SELECT (SELECT count(*) FROM broken), job_id::text, number, detail
        FROM broken ORDER BY job_id, number LIMIT {examples}
    """).format(part=part.queries, invariant=invariant.statement, examples=sql.Literal(EXAMPLES))
    rows = connection.execute(statement).fetchall()
    return _finding(
        invariant, rows[0][0] if rows else 0, [(job_id, no, text) for _, job_id, no, text in rows]
    )


def _finding(invariant: Invariant, count: int, rows: list[_Row]) -> Finding:
    examples = tuple(Example(job_id=job_id, detail=detail) for job_id, _, detail in rows)
    return Finding(name=invariant.name, broken=invariant.broken, count=count, examples=examples)


def _silent_workers(connection: SyncConnection, thresholds: StaleThresholds) -> set[_Row]:
    """The workers that are silent now; nothing sweeps them if no worker lives."""
    if not _worker_lives(connection, thresholds):
        return set()
    given = {"silent_seconds": thresholds.stale_seconds + thresholds.sweep_seconds}
    return set(connection.execute(SILENT_WORKER.statement, given).fetchall())


def _worker_lives(connection: SyncConnection, thresholds: StaleThresholds) -> bool:
    found = connection.execute(
        "SELECT FROM workers WHERE beat_at > now() - make_interval(secs => %s) LIMIT 1",
        [thresholds.stale_seconds],
    )
    return found.fetchone() is not None


def _expectation(count: int, thresholds: StaleThresholds) -> str:
    return (
        f"{count:,} {SILENT_WORKER.broken}: looking again in {thresholds.look_again_seconds:g} s, "
        "a sweep should have mended that"
    )
