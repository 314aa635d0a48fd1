"""Puts right what a crash left behind: what dead workers had in hand waits again.

It adds up what was counted for the metrics and what is leased of each host.
Every worker sweeps; an advisory lock lets one do it at a time.
"""

import logging
from collections.abc import Callable
from functools import partial

from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.concurrency.periodic import periodic
from retailpulse.config.settings import WorkerSettings
from retailpulse.storage.metrics import processes
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import leases, losses, workers

logger = logging.getLogger(__name__)


async def sweep_forever(
    database: Database, settings: WorkerSettings, may_judge: Callable[[], bool] = lambda: True
) -> None:
    """Sweeps at a steady pace until it is cancelled."""
    await periodic(
        settings.sweep_seconds,
        partial(sweep, database, settings, may_judge),
        outage_log=OutageLog(logger.warning, "the sweep"),
    )


async def sweep(
    database: Database, settings: WorkerSettings, may_judge: Callable[[], bool] = lambda: True
) -> None:
    """Sweeps once; `may_judge` says at the last moment whether silent workers may be taken for dead."""
    silent = images = 0
    async with database.transaction() as connection:
        if not await workers.lock_sweep(connection):
            return
        if may_judge():
            silent, images = await workers.sweep(connection, settings.stale_seconds)
    async with database.transaction() as connection:  # its own: a fault here must keep no image
        await processes.note_lost(connection, settings.stale_seconds)
        await processes.roll_up(connection)
        mended = await leases.add_up(connection)
        await losses.forget_ended(connection)
    if silent:
        logger.info("swept: %d silent workers, %d of their images wait again", silent, images)
    if mended:
        logger.warning(
            "repaired the leased slots of %d hosts, which were not the sum of their leases", len(mended)
        )
