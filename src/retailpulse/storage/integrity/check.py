"""Checks the invariants of the tables over the whole database, in one snapshot of it, and changes nothing.

What may be off for a moment (silent workers) is looked at twice, more than a sweep apart. It blocks; it
reads by one connection of its own.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

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
from retailpulse.storage.integrity.review_invariants import REVIEWS
from retailpulse.storage.postgres.connecting import blocking_session
from retailpulse.storage.postgres.database import translated

EXAMPLES = 3
_INVARIANTS = (*COUNTERS, *COUNTS, JOBS_BY_STATE, *FLAGS, *STATES, *ROWS, *SHARES, *MATCHES, *REVIEWS)

STEPS = len(_INVARIANTS) + 2
"""Of how many steps a check consists: it counts, looks at each invariant, and at silent workers."""

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


def check_invariants(
    url: str, thresholds: StaleThresholds, *, before_second_look: Callable[[str], None] = lambda _: None
) -> IntegrityReport:
    """Checks every invariant on the database at `url`; its tables have this program's version.

    Calls `before_second_look` with a sentence if it has to wait; raises DatabaseUnavailable.
    """
    with translated(), blocking_session(url, autocommit=False) as connection:
        return check_over(connection, thresholds, before_second_look=before_second_look)


def check_over(
    connection: SyncConnection,
    thresholds: StaleThresholds,
    *,
    before_second_look: Callable[[str], None] = lambda _: None,
    before_step: Callable[[int], None] = lambda _: None,
    sleep: Callable[[float], object] = time.sleep,
) -> IntegrityReport:
    """The same over a connection; calls `before_step`, in a transaction, with the number of steps done."""
    with _snapshot(connection):
        before_step(0)
        jobs, images, results = _totals(connection)
        found = []
        for done, invariant in enumerate(_INVARIANTS, 1):
            before_step(done)
            found.append(_find(connection, invariant))
        before_step(STEPS - 1)
        silent = _silent_workers(connection, thresholds)
    if silent:
        before_second_look(_expectation(len(silent), thresholds))
        sleep(thresholds.look_again_seconds)
        with _snapshot(connection):
            before_step(STEPS - 1)
            silent &= _silent_workers(connection, thresholds)
    found.append(_finding(SILENT_WORKER, len(silent), sorted(silent, key=lambda row: row[1])[:EXAMPLES]))
    return IntegrityReport(
        jobs=jobs,
        images=images,
        results=results,
        findings=tuple(finding for finding in found if finding.count),
    )


@contextmanager
def _snapshot(connection: SyncConnection) -> Iterator[None]:
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL work_mem = '64MB'")
        yield


def _totals(connection: SyncConnection) -> tuple[int, int, int]:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM images), (SELECT count(*) FROM results)"
    ).fetchone()
    jobs, images, results = row or (0, 0, 0)
    return jobs, images, results


def _find(connection: SyncConnection, invariant: Invariant) -> Finding:
    statement = sql.SQL("""
        WITH broken (job_id, number, detail) AS MATERIALIZED ({invariant})
        SELECT (SELECT count(*) FROM broken), job_id::text, number, detail
        FROM broken ORDER BY job_id, number LIMIT {examples}
    """).format(invariant=invariant.statement, examples=sql.Literal(EXAMPLES))
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
