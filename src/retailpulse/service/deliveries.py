"""What the service does with the callbacks of jobs: shows how they stand, sends one again."""

from uuid import UUID

from retailpulse.domain.callbacks import DeliveryState
from retailpulse.domain.errors import Conflict
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.webhooks import deliveries, listing
from retailpulse.storage.webhooks.deliveries import DeliveryRow
from retailpulse.storage.webhooks.listing import DeliveryPlace, ListedDelivery


class Deliveries:
    """The deliveries of jobs over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, job_id: UUID, *, after: int | None, limit: int
    ) -> tuple[list[DeliveryRow], int | None]:
        """Deliveries of a job after a number, the first end first, and the last number if there are more.

        Raises NotFound.
        """
        async with self._database.connection() as connection:
            await jobs.known_job(connection, job_id)
            found = await deliveries.read_page(connection, job_id, after or 0, limit + 1)
        page = found[:limit]
        return page, page[-1].key.delivery_no if len(found) > limit else None

    async def of_state(
        self, state: DeliveryState, *, after: DeliveryPlace | None, limit: int
    ) -> tuple[list[ListedDelivery], DeliveryPlace | None]:
        """Deliveries of all jobs in a state, the last end first; and the place of the next page."""
        async with self._database.connection(share=Share.READS) as connection:
            found = await listing.read_state(connection, state, after, limit + 1)
        return found[:limit], found[limit - 1].place if len(found) > limit else None

    async def counts(self) -> dict[DeliveryState, int]:
        """How many deliveries are in each state, up to `listing.MOST_COUNTED`."""
        async with self._database.connection(share=Share.READS) as connection:
            return await listing.count_states(connection)

    async def given_up_lately(self) -> int:
        """How many deliveries of jobs that ended in the last day were given up, up to the same number."""
        async with self._database.connection(share=Share.READS) as connection:
            return await listing.count_given_up_lately(connection)

    async def send_again(self, job_id: UUID) -> DeliveryRow:
        """Has the callback of the last end of a job sent once more, with the same id.

        Raises NotFound, or Conflict if the job has not ended or has no receiver.
        """
        async with self._database.transaction() as connection:
            job = await jobs.known_job(connection, job_id)
            row = await deliveries.send_again(connection, job_id)
        if row is None:
            lacks = "no callback_url" if job.callback_url is None else "not ended yet"
            raise Conflict(f"the job {job_id} has {lacks}: there is no callback to send again")
        return row
