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
from typing import LiteralString

import psycopg
from psycopg.types.json import Jsonb

from tests.soak.load import Load
from tests.soak.origin import SoakOrigin
from tests.soak.stage import STALE_SECONDS, Stage

LONGEST_FREEZE_SECONDS = 4.0
NO_JOB = "01932c5e-7a00-7000-8000-000000000000"
SEND = "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('chunks', %s, %s)"
UNREADABLE: tuple[tuple[str, object], ...] = (
    ("work_on_chunk", {}),
    ("work_on_chunk", "text"),
    ("work_on_chunk", None),
    ("work_on_chunk", {"job_id": "no id", "chunk_no": 0}),
    ("work_on_chunk", {"job_id": NO_JOB, "chunk_no": 10**30}),
    ("work_on_chunk", {"job_id": NO_JOB, "chunk_no": 0, "more": "than asked"}),
    ("of_a_newer_program", {"job_id": NO_JOB, "chunk_no": 0}),
)


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


def _run(scene: Scene, statement: LiteralString) -> str:
    """Runs a statement that says how many rows it hit; a fault before it may cut it off."""
    try:
        with scene.stage.connect() as connection:
            return f"{connection.execute(statement).rowcount} rows"
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


def _empty_queue(scene: Scene, _: Random) -> str:
    return _run(scene, "DELETE FROM procrastinate_jobs")


def _double_messages(scene: Scene, _: Random) -> str:
    return _run(
        scene,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, priority)"
        " SELECT queue_name, task_name, args, priority FROM procrastinate_jobs",
    )


def _late_messages(scene: Scene, _: Random) -> str:
    return _run(
        scene,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
        " SELECT 'chunks', 'work_on_chunk', jsonb_build_object('job_id', job_id, 'chunk_no', chunk_no)"
        " FROM (SELECT job_id, chunk_no FROM chunks WHERE settled = images LIMIT 50) done",
    )


def _unreadable_messages(scene: Scene, _: Random) -> str:
    try:
        with scene.stage.connect() as connection:
            for task, arguments in UNREADABLE:
                connection.execute(SEND, [task, Jsonb(arguments)])
    except psycopg.Error as error:
        return f"not done: {type(error).__name__}"
    return f"{len(UNREADABLE)} messages"


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
    "emptied queue": _empty_queue,
    "doubled messages": _double_messages,
    "messages for done chunks": _late_messages,
    "unreadable messages": _unreadable_messages,
    "cancelled job": _cancel,
    "kill -9 of everything": _kill_everything,
    "origin gone": _origin_gone,
}
