"""A receiver of callbacks, and jobs that end as soon as a test wants them to."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from standardwebhooks import Webhook

from retailpulse.config.settings import CallbackSettings, FetchSettings
from retailpulse.storage.postgres.database import Database
from tests.origin import Origin, Reply, Seen
from tests.storage.jobs import submit_visits
from tests.worker.working import QUICK, rows, until

UNKNOWN_STORE = "RP99999"
PHOTOS = ("http://photos.example/1.png",)
LOOPBACK = FetchSettings(allowed_networks="127.0.0.0/8", ports="any")
HASTY = CallbackSettings(backoff_seconds=0.05, longest_backoff_seconds=0.2, timeout_seconds=5)
HURRIED = msgspec.structs.replace(QUICK, grace_seconds=0.1)
"""A worker that stops without waiting for what it has begun."""
PENDING = "SELECT FROM deliveries WHERE state = 'pending'"


def hook(receiver: Origin, *replies: Reply, path: str = "/hook") -> str:
    """The URL at which the receiver answers so, in turn."""
    return receiver.serve(path, *(replies or (Reply(status=204),)))


async def ended_job(database: Database, callback_url: str) -> UUID:
    """A job that ended as it was submitted, as its store is unknown, and whose receiver is to be told."""
    return await submit_visits(database, (UNKNOWN_STORE, PHOTOS), callback_url=callback_url)


def secrets(database: Database) -> list[str]:
    """The secrets that sign now, the current one first."""
    return [
        text
        for (text,) in rows(
            database, "SELECT secret FROM callback_secrets ORDER BY retires_at DESC NULLS FIRST"
        )
    ]


def opened(seen: Seen, secret: str) -> dict[str, Any]:
    """What a request tells, after its signature was verified by the library."""
    told = Webhook(secret).verify(seen.body, seen.headers)
    assert told == json.loads(seen.body)
    return dict(told)


def hooks(receiver: Origin, path: str = "/hook") -> Sequence[Seen]:
    """The callbacks that came in."""
    return [seen for seen in list(receiver.requests) if seen.path == path]


def deliveries(database: Database) -> list[tuple[Any, ...]]:
    """Number, state and statuses of every delivery."""
    return rows(
        database,
        "SELECT delivery_no, state, ARRAY(SELECT (t->>'status')::int FROM jsonb_array_elements(tries) t)"
        " FROM deliveries ORDER BY job_id, delivery_no",
    )


async def until_delivered(database: Database, count: int = 1) -> None:
    """Waits until so many deliveries have come to their end, and no other is left."""
    await until(lambda: len(rows(database, "SELECT FROM deliveries WHERE state <> 'pending'")) == count)
    await until(lambda: not rows(database, PENDING))


async def until_delivered_times(receiver: Origin, count: int, *, path: str = "/hook") -> None:
    """Waits until so many callbacks came in."""
    await until(lambda: len(hooks(receiver, path)) == count)


async def deliver_another(database: Database, receiver: Origin) -> None:
    """Has another job told, so that whatever was to come before has come."""
    await ended_job(database, hook(receiver, path="/after"))
    await until(lambda: hooks(receiver, "/after"))
    await until(lambda: not rows(database, PENDING))
