"""Reports of processes: they add up, are kept when a process is gone, and never go back or count twice."""

import os
import socket
from uuid import UUID

from retailpulse import __version__
from retailpulse.metrics.reporting import Reading, Reporter
from retailpulse.storage.metrics import processes
from retailpulse.storage.metrics.processes import Doing, ProcessRow
from retailpulse.storage.postgres.database import Database
from tests.worker.working import rows

STALE_SECONDS = 8.0
JOB = UUID("01932c5e-7a00-7000-8000-000000000000")


class Counting:
    """A process that counts, and reports that."""

    def __init__(self, database: Database, count: float = 0.0, in_flight: int = 0) -> None:
        self.count = count
        self.in_flight = in_flight
        self.doing = Doing()
        self.reporter = Reporter(database, "worker", self.read)

    def read(self) -> Reading:
        return Reading(sums={"bytes": self.count}, in_flight=self.in_flight, doing=self.doing)

    async def reach(self, count: float) -> None:
        """Counts up to so many, and reports that."""
        self.count = count
        await self.reporter.report()


async def read(database: Database) -> dict[str, float]:
    async with database.connection() as connection:
        return {name: value for (_, name), value in (await processes.read(connection, STALE_SECONDS)).items()}


async def sweep(database: Database) -> None:
    """What a sweep does about processes."""
    async with database.transaction() as connection:
        await processes.note_lost(connection, STALE_SECONDS)
        await processes.roll_up(connection)


async def let_pass(database: Database, seconds: float) -> None:
    """Has all that was noted of processes happened so much earlier."""
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE processes SET seen_at = seen_at - make_interval(secs => %(s)s),"
            " suspected_at = suspected_at - make_interval(secs => %(s)s),"
            " lost_at = lost_at - make_interval(secs => %(s)s),"
            " ended_at = ended_at - make_interval(secs => %(s)s)",
            {"s": seconds},
        )


async def lose(database: Database) -> None:
    """Has every process that is there be taken for lost."""
    for _ in range(2):
        await let_pass(database, STALE_SECONDS + 1)
        await sweep(database)


async def test_reports_of_many_add_up_and_overwrite_their_own(database: Database) -> None:
    one, other = Counting(database, in_flight=3), Counting(database, in_flight=4)
    await one.reach(10)
    await other.reach(100)
    await one.reach(11)
    await one.reach(11)
    assert await read(database) == {"bytes": 111, "started": 2, "crashes": 0, "in_flight": 7}


async def test_who_says_goodbye_did_not_crash_and_its_sums_stay(database: Database) -> None:
    one = Counting(database, in_flight=3)
    async with one.reporter.reporting(3600):
        await one.reach(5)
        one.count, one.in_flight = 7, 0
    assert await read(database) == {"bytes": 7, "started": 1, "crashes": 0}
    await let_pass(database, processes.ENDED_SECONDS + 1)
    await sweep(database)
    assert rows(database, "SELECT count(*) FROM processes") == [(0,)]
    assert await read(database) == {"bytes": 7, "started": 1, "crashes": 0}


async def test_who_falls_silent_crashed_once_and_its_sums_stay(database: Database) -> None:
    await Counting(database, in_flight=3).reach(5)
    await lose(database)
    for _ in range(3):
        assert await read(database) == {"bytes": 5, "started": 1, "crashes": 1}
        await let_pass(database, processes.LOST_SECONDS)
        await sweep(database)
    assert rows(database, "SELECT count(*) FROM processes") == [(0,)]


async def test_nobody_crashed_because_the_database_was_away_for_long(database: Database) -> None:
    one, other = Counting(database), Counting(database)
    await one.reach(1)
    await other.reach(1)
    await let_pass(database, 3600)
    for _ in range(2):
        await sweep(database)  # by the first who is back
    await one.reach(2)
    await other.reach(2)
    await let_pass(database, STALE_SECONDS - 1)
    await sweep(database)
    assert (await read(database))["crashes"] == 0


async def test_who_only_slept_goes_on_and_may_crash_again(database: Database) -> None:
    one = Counting(database)
    await one.reach(5)
    await lose(database)
    await one.reach(6)
    assert await read(database) == {"bytes": 6, "started": 1, "crashes": 1, "in_flight": 0}
    await lose(database)
    assert (await read(database))["crashes"] == 2


async def test_who_slept_until_it_was_added_up_counts_nothing_twice(database: Database) -> None:
    one = Counting(database)
    await one.reach(5)
    await lose(database)
    await let_pass(database, processes.LOST_SECONDS)
    await sweep(database)
    for count in (8, 9):
        await one.reach(count)
        assert (await read(database))["bytes"] == count
    await lose(database)
    await let_pass(database, processes.LOST_SECONDS)
    await sweep(database)
    await one.reach(20)
    assert (await read(database))["bytes"] == 20


async def test_a_process_says_where_it_runs_and_what_it_does(database: Database) -> None:
    one = Counting(database, in_flight=3)
    await one.reach(1)
    (row,) = await listed(database)
    assert (row.machine, row.pid, row.version) == (socket.gethostname(), os.getpid(), __version__)
    assert (row.is_alive, row.in_flight, row.doing.in_hand) == (True, 3, 0)
    one.doing = Doing(at_hosts=2, measuring=3, unwritten=4, jobs={JOB: 9}, job_count=1)
    await one.reach(1)  # its sums are as before
    (row,) = await listed(database)
    assert (row.doing, row.doing.in_hand) == (one.doing, 9)


async def test_processes_that_live_are_listed_before_the_silent_and_those_that_ended(
    database: Database,
) -> None:
    silent, ended, living = Counting(database), Counting(database), Counting(database)
    async with ended.reporter.reporting(3600):
        await ended.reach(1)
    await silent.reach(1)
    await let_pass(database, STALE_SECONDS + 1)
    await living.reach(1)
    rows_of = await listed(database)
    assert [(row.is_alive, row.ended_at is None) for row in rows_of] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    assert rows_of[1].silent_seconds > STALE_SECONDS


async def test_what_living_processes_do_adds_up(database: Database) -> None:
    first, second, silent = Counting(database), Counting(database), Counting(database)
    silent.doing = Doing(at_hosts=100, memory_bytes=100)
    await silent.reach(1)
    await let_pass(database, STALE_SECONDS + 1)
    first.doing = Doing(at_hosts=2, unwritten=4, jobs={JOB: 6}, job_count=1, decoders=3, busy_decoders=1)
    second.doing = Doing(at_hosts=5, memory_bytes=2**40, is_stopping=True, decoders=2)
    await first.reach(1)
    await second.reach(1)
    async with database.connection() as connection:
        found = await processes.read_doing(connection, STALE_SECONDS)
    assert found == {
        "worker": Doing(at_hosts=7, unwritten=4, job_count=1, memory_bytes=2**40, decoders=5, busy_decoders=1)
    }


async def listed(database: Database) -> list[ProcessRow]:
    async with database.connection() as connection:
        return await processes.read_rows(connection, "worker", STALE_SECONDS, limit=10)
