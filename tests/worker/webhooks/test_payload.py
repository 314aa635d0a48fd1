"""Signatures of callbacks, verified by the library for it: by which secrets, and by no other."""

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from retailpulse.storage.postgres.database import Database
from retailpulse.storage.webhooks import secrets as callback_secrets
from tests.origin import Origin
from tests.worker.webhooks.receiving import (
    HASTY,
    LOOPBACK,
    ended_job,
    hook,
    hooks,
    opened,
    secrets,
    until_delivered,
    until_delivered_times,
)
from tests.worker.working import working


async def test_a_signature_by_another_secret_or_of_another_body_does_not_verify(database: Database) -> None:
    with Origin() as receiver:
        await ended_job(database, hook(receiver))
        async with working(database, callbacks=HASTY):
            await until_delivered(database)
        (seen,) = hooks(receiver)
    (secret,) = secrets(database)
    opened(seen, secret)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(seen.body, seen.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(seen.body.replace(b"failed", b"completed"), seen.headers)


async def test_after_a_rotation_both_secrets_sign_until_the_old_one_retires(database: Database) -> None:
    (old,) = secrets(database)
    new = "whsec_" + "B" * 32
    with Origin() as receiver:
        async with working(database, callbacks=HASTY):
            for overlap_seconds in (3600.0, 0.0):
                async with database.transaction() as connection:
                    await callback_secrets.rotate(connection, new, overlap_seconds)
                await ended_job(database, hook(receiver, path=f"/{overlap_seconds:g}"))
                await until_delivered_times(receiver, 1, path=f"/{overlap_seconds:g}")
                new = "whsec_" + "C" * 32
        ((both,), (latest,)) = hooks(receiver, "/3600"), hooks(receiver, "/0")
    for secret in (old, "whsec_" + "B" * 32):
        opened(both, secret)
    opened(latest, "whsec_" + "C" * 32)
    for secret in (old, "whsec_" + "B" * 32):
        with pytest.raises(WebhookVerificationError):
            opened(latest, secret)


async def test_secrets_of_the_setting_sign_instead_of_that_of_the_database(database: Database) -> None:
    ours = ("whsec_" + "D" * 32, "whsec_" + "E" * 32)
    with Origin() as receiver:
        await ended_job(database, hook(receiver))
        async with working(
            database, callbacks=msgspec.structs.replace(HASTY, secret=",".join(ours)), fetch=LOOPBACK
        ):
            await until_delivered(database)
        (seen,) = hooks(receiver)
    for secret in ours:
        opened(seen, secret)
    with pytest.raises(WebhookVerificationError):
        opened(seen, *secrets(database))
