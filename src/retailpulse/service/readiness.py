"""Whether the service can do its work: its database, its tables, and how many workers are alive."""

from dataclasses import dataclass

from retailpulse.concurrency.single_flight import SingleFlight
from retailpulse.service.limits import Limits
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import workers


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """The version of the tables, how many workers are alive, and what decoders on this machine lack."""

    schema: str
    workers: int
    sandbox_missing: tuple[str, ...]


class ReadinessCheck:
    """Looks whether the service is ready; requests at the same time share one look."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._looks: SingleFlight[None, Readiness] = SingleFlight()

    async def check(self) -> Readiness:
        """Raises DatabaseError if the database does not answer, or has tables of another version."""
        return await self._looks.do(None, self._look)  # any client may ask, at any rate

    async def _look(self) -> Readiness:
        schema = await self._database.check_tables()
        async with self._database.connection(share=Share.VITAL) as connection:
            alive = await workers.alive(connection, self._limits.stale_seconds)
        return Readiness(schema=schema, workers=len(alive), sandbox_missing=self._limits.sandbox_missing)
