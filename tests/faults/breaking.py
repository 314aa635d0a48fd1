"""Ways to break a running service at a chosen moment: further workers, held locks, signals.

Weak: it speaks to the embedded database alone.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from tests.faults.postgres import embedded_url, waiting_at
from tests.lifecycle.processes import QUICK, Shop
from tests.running import ALLOW_LOOPBACK, Process, wait_for

Session = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def session(shop: Shop) -> Iterator[Session]:
    """A session of the test's own in the shop's database, each statement committed by itself."""
    with psycopg.connect(embedded_url(shop.folder), autocommit=True) as connection:
        yield connection


def ask(shop: Shop, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """What a query finds."""
    with session(shop) as connection:
        return connection.execute(query, values).fetchall()


@contextmanager
def holding(shop: Shop, lock: LiteralString, *values: object) -> Iterator[Session]:
    """A transaction that holds what the statement `lock` has locked, until the block ends."""
    with session(shop) as connection, connection.transaction():
        connection.execute(lock, values)
        yield connection


def waiting(shop: Shop, statement: str) -> list[int]:
    """The sessions of the service that wait for a lock in a statement like this."""
    return waiting_at(embedded_url(shop.folder), statement)


@contextmanager
def further_worker(shop: Shop, name: str, **environment: str) -> Iterator[Process]:
    """A `retailpulse worker` beside those of `serve`, which nobody starts again; killed at the end."""
    url = {"RETAILPULSE_DATABASE_URL": embedded_url(shop.folder)}
    before = registered(shop)
    worker = Process(shop.folder / name, "worker", environment=ALLOW_LOOPBACK | QUICK | url | environment)
    try:
        wait_for(lambda: registered(shop) > before or worker.process.poll() is not None)
        yield worker
    finally:
        with_signal(worker.process.pid, signal.SIGCONT)
        worker.process.kill()
        worker.stop()


def registered(shop: Shop) -> int:
    """The number of the worker that was registered last."""
    ((last,),) = ask(shop, "SELECT coalesce(max(worker_id), 0) FROM workers")
    return int(last)


def wait_for_workers(shop: Shop, count: int) -> None:
    """Waits until so many workers know of each other, so that they share what there is."""
    wait_for(lambda: len(ask(shop, "SELECT FROM workers")) == count)
    ((now,),) = ask(shop, "SELECT now()")
    wait_for(lambda: len(ask(shop, "SELECT FROM workers WHERE beat_at > %s", now)) == count)


def with_signal(pid: int, number: signal.Signals) -> None:
    """Signals a process that may have ended already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


@contextmanager
def asleep(pid: int) -> Iterator[None]:
    """A process that is frozen while the block runs."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    try:
        yield
    finally:
        with_signal(pid, signal.SIGCONT)


def in_hand(shop: Shop) -> int:
    """How many images workers have in work."""
    ((count,),) = ask(shop, "SELECT coalesce(sum(cardinality(image_nos)), 0) FROM grants")
    return int(count)


def holders(shop: Shop) -> int:
    """How many workers have images in work."""
    ((count,),) = ask(shop, "SELECT count(DISTINCT worker_id) FROM grants")
    return int(count)


def outlast_the_stale_time(shop: Shop) -> None:
    """Adds a worker that never says a word again, and waits until it is swept."""
    ((silent,),) = ask(shop, "INSERT INTO workers DEFAULT VALUES RETURNING worker_id")
    wait_for(lambda: not ask(shop, "SELECT FROM workers WHERE worker_id = %s", silent))
