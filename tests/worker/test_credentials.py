"""A worker opens what its job was given, with the key of the API; with another one it says so."""

import base64
import os
from uuid import UUID

import msgspec

from retailpulse.domain.credentials import Credential
from retailpulse.fetch import CredentialVault
from retailpulse.storage.jobs import credentials
from retailpulse.storage.postgres.database import Database
from tests.origin import Origin, Reply
from tests.storage.jobs import submit
from tests.worker.working import LOOPBACK, PICTURE, rows, until_over, working

KEY, OTHER = (base64.urlsafe_b64encode(os.urandom(32)).decode() for _ in range(2))


async def private_job(database: Database, origin: Origin) -> UUID:
    """A job whose one photo needs the token that it came with."""
    url = origin.serve(
        "/a.png", Reply(body=PICTURE, allows=lambda seen: seen.headers.get("authorization") == "Bearer a")
    )
    job_id = await submit(database, [url])
    table = {origin.url(""): Credential(bearer="a")}
    async with database.transaction() as connection:
        await credentials.insert(connection, job_id, CredentialVault([KEY]).seal(job_id, table))
    return job_id


async def outcome(database: Database, origin: Origin, key: str) -> tuple[object, ...]:
    job_id = await private_job(database, origin)
    async with working(database, fetch=msgspec.structs.replace(LOOPBACK, credentials_key=key)):
        await until_over(database, job_id)
    assert rows(database, "SELECT FROM job_credentials") == []
    ((outcome, cause, detail),) = rows(
        database, "SELECT outcome, cause, detail FROM results WHERE job_id = %s", job_id
    )
    return outcome, cause, detail


async def test_a_worker_with_the_key_measures(database: Database) -> None:
    with Origin() as origin:
        assert await outcome(database, origin, f"{OTHER},{KEY}") == ("measured", None, None)


async def test_a_worker_without_the_key_asks_for_nothing_and_says_what_to_set(database: Database) -> None:
    with Origin() as origin:
        for key, said in ((OTHER, "no key of this worker"), ("", "this worker has no key")):
            _, cause, detail = await outcome(database, origin, key)
            assert cause == "no_credentials"
            assert str(detail).startswith(said)
        assert origin.requests == []
