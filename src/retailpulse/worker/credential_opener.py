"""Opens the credentials of the jobs in a claim. They are kept with the images in hand, and nowhere else."""

from collections.abc import Iterable
from uuid import UUID

from retailpulse.fetch import CannotOpen, Credentials, CredentialVault
from retailpulse.storage.jobs import credentials
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling.claims import Granted


class CredentialOpener:
    """The vault of a worker over its database."""

    def __init__(self, vault: CredentialVault) -> None:
        self._vault = vault

    async def open(
        self, connection: Connection, granted: Iterable[Granted]
    ) -> dict[UUID, Credentials | CannotOpen]:
        """Those of each job that has some, or why they cannot be opened here."""
        job_ids = {grant.job_id for grant in granted if grant.has_credentials}
        if not job_ids:
            return {}
        sealed = await credentials.read(connection, job_ids)
        return {job_id: self._open(job_id, text) for job_id, text in sealed.items()}

    def _open(self, job_id: UUID, sealed: bytes) -> Credentials | CannotOpen:
        try:
            return self._vault.open(job_id, sealed)
        except CannotOpen as error:
            return error
