"""What goes wrong in the soak: each fault is done in full before the next one, and says what it hit.

They are dealt like cards, so that a short run has each of them as soon as it can; the seed says in which
order. What a fault hits depends on what lives just then: the same seed is the same mix, not the same run.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import psycopg

from tests.soak.load import Load
from tests.soak.origin import SoakOrigin
from tests.soak.stage import STALE_SECONDS, Stage

LONGEST_FREEZE_SECONDS = 4.0


@dataclass(kw_only=True)
class Scene:
    """What faults act on, and when the origin was gone, by the clock of the machine."""

    stage: Stage
    load: Load
    origin: SoakOrigin
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)


Fault = Callable[[Scene, Random], str]


def deal(seed: int) -> Iterator[tuple[str, Random]]:
    """Names of faults without end, each with its own chance."""
    chance = Random(f"{seed}-faults")
    number = 0
    while True:
        deck = list(FAULTS)
        chance.shuffle(deck)
        for name in deck:
            number += 1
            yield name, Random(f"{seed}-fault-{number}")


def _kill_one(scene: Scene, chance: Random, command: str, number: signal.Signals) -> str:
    pids = scene.stage.pids(command)
    if not pids:
        return "there is none just now"
    pid = chance.choice(pids)
    with suppress(ProcessLookupError):
        os.kill(pid, number)
    return f"process {pid}"


def _kill_worker(scene: Scene, chance: Random) -> str:
    return _kill_one(scene, chance, "worker", signal.SIGKILL)


def _stop_worker(scene: Scene, chance: Random) -> str:
    return _kill_one(scene, chance, "worker", signal.SIGTERM)


def _kill_api(scene: Scene, chance: Random) -> str:
    return _kill_one(scene, chance, "api", signal.SIGKILL)


def _freeze_worker(scene: Scene, chance: Random) -> str:
    pids = scene.stage.pids("worker")
    if not pids:
        return "there is none just now"
    pid, seconds = chance.choice(pids), STALE_SECONDS + chance.uniform(0.7, 2.0)
    _freeze([pid], seconds)
    return f"process {pid} for {seconds:.1f} s"


def _freeze(pids: list[int], seconds: float) -> None:
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number is signal.SIGSTOP:
            time.sleep(seconds)


def _freeze_postgres(scene: Scene, chance: Random) -> str:
    pids, seconds = scene.stage.postgres(), chance.uniform(0.5, LONGEST_FREEZE_SECONDS)
    _freeze(pids, seconds)
    return f"{len(pids)} processes for {seconds:.1f} s"


def _kill_backend(scene: Scene, chance: Random) -> str:
    with suppress(psycopg.OperationalError), scene.stage.connect() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'retailpulse' ORDER BY pid"
        ).fetchall()
        if rows:
            (pid,) = chance.choice(rows)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return f"process {pid}"
    return "there is none just now"


def _kill_postmaster(scene: Scene, _: Random) -> str:
    return _signal_postmaster(scene, signal.SIGKILL)


def _stop_postgres_at_once(scene: Scene, _: Random) -> str:
    return _signal_postmaster(scene, signal.SIGQUIT)


def _restart_postgres(scene: Scene, _: Random) -> str:
    return _signal_postmaster(scene, signal.SIGINT)


def _signal_postmaster(scene: Scene, number: signal.Signals) -> str:
    postmaster = scene.stage.postgres()[:1]
    for pid in postmaster:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return f"process {postmaster[0]}" if postmaster else "it is down just now"


def _run(scene: Scene, statement: str) -> str:
    """Runs a statement that says how many rows it hit; a fault before it may cut it off."""
    try:
        with scene.stage.connect() as connection:
            return f"{connection.execute(statement.encode()).rowcount} rows"
    except psycopg.Error as error:
        return f"not done: {type(error).__name__}"


def _end_sessions(scene: Scene, _: Random) -> str:
    return _run(
        scene,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'retailpulse'",
    )


def _end_listeners(scene: Scene, _: Random) -> str:
    return _run(
        scene,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'retailpulse' AND query LIKE 'LISTEN%'",
    )


def _freeze_listener(scene: Scene, chance: Random) -> str:
    """A worker hears nothing for a while, and does not know; a job is cancelled meanwhile."""
    with suppress(psycopg.OperationalError), scene.stage.connect() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'retailpulse' AND query LIKE 'LISTEN%'"
        ).fetchall()
        if rows:
            (pid,) = chance.choice(sorted(rows))
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
            cancelled = scene.load.cancel(chance)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            return f"process {pid}; {cancelled}"
    return "there is none just now"


def _delete_slices(scene: Scene, _: Random) -> str:
    job = "(SELECT job_id FROM slices ORDER BY slice_id LIMIT 1)"
    return f"{_run(scene, f'DELETE FROM slices WHERE job_id = {job}')}; {scene.stage.repair()}"


def _delete_grants(scene: Scene, _: Random) -> str:
    return f"{_run(scene, 'DELETE FROM grants')}; {scene.stage.repair()}"


def _delete_leases(scene: Scene, _: Random) -> str:
    return _run(scene, "DELETE FROM leases")


def _count_slots_wrongly(scene: Scene, chance: Random) -> str:
    leased = chance.choice(("0", "1000"))
    return f"{leased}: " + _run(scene, f"UPDATE hosts SET leased = {leased} WHERE host_id > 0")


def _cancel(scene: Scene, chance: Random) -> str:
    return scene.load.cancel(chance)


def _kill_everything(scene: Scene, _: Random) -> str:
    scene.stage.kill_everything()
    return "serve, its children, PostgreSQL and the other worker"


def _origin_gone(scene: Scene, chance: Random) -> str:
    seconds = chance.uniform(0.5, 3.0)
    gone_at = datetime.now(UTC)
    scene.origin.leave()
    time.sleep(seconds)
    scene.origin.come_back()
    scene.outages.append((gone_at, datetime.now(UTC)))
    return f"for {seconds:.1f} s"


FAULTS: Mapping[str, Fault] = {
    "kill -9 of a worker": _kill_worker,
    "graceful stop of a worker": _stop_worker,
    "frozen worker": _freeze_worker,
    "kill -9 of the api": _kill_api,
    "kill -9 of a backend": _kill_backend,
    "kill -9 of the postmaster": _kill_postmaster,
    "immediate stop of postgresql": _stop_postgres_at_once,
    "fast stop of postgresql": _restart_postgres,
    "frozen postgresql": _freeze_postgres,
    "all sessions ended": _end_sessions,
    "listening sessions ended": _end_listeners,
    "frozen listening session": _freeze_listener,
    "deleted slices of a job": _delete_slices,
    "deleted grants": _delete_grants,
    "deleted leases": _delete_leases,
    "slots counted wrongly": _count_slots_wrongly,
    "cancelled job": _cancel,
    "kill -9 of everything": _kill_everything,
    "origin gone": _origin_gone,
}
