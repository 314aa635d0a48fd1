"""Puts right what a crash left behind: chunks of dead workers, chunks without a message; sends due callbacks.

It also adds up what was counted for the metrics. Every worker sweeps; an advisory lock lets one do it at a
time. A sweep looks at a bounded number of open chunks and the next one goes on from there, so that a big
backlog costs no more than a small one.
"""

import asyncio
import logging

import procrastinate
from procrastinate.exceptions import ConnectorException

from retailpulse.config.settings import WorkerSettings
from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.domain.jobs import ChunkKey
from retailpulse.storage import deliveries, queue, reports, tallies
from retailpulse.storage.database import Database
from retailpulse.worker.messages import Messages

logger = logging.getLogger(__name__)


async def sweep_forever(
    database: Database, app: procrastinate.App, messages: Messages, settings: WorkerSettings
) -> None:
    """Sweeps at a steady pace until it is cancelled."""
    last: ChunkKey | None = None
    while True:
        await asyncio.sleep(settings.sweep_seconds)
        try:
            last = await sweep(database, app, messages, settings, last)
        except (DatabaseUnavailable, ConnectorException) as error:
            logger.warning("the sweep waits for the database: %s", error)


async def sweep(
    database: Database,
    app: procrastinate.App,
    messages: Messages,
    settings: WorkerSettings,
    last: ChunkKey | None,
) -> ChunkKey | None:
    """Sweeps once, from the chunk after `last` on; returns the last chunk that was looked at."""
    await _hand_back_forgotten(database, messages)
    async with database.transaction() as connection:
        if not await queue.lock_sweep(connection):
            return last
        dropped = await queue.drop_unreadable(connection)
        stalled = await queue.hand_back_stalled(connection, settings.stale_seconds)
        lost, last = await queue.find_chunks_without_message(connection, last)
        await queue.send_lost(app, connection, lost)
        await deliveries.send_due(connection)
    async with database.transaction() as connection:  # its own: a fault here must keep no chunk
        await reports.note_lost(connection, settings.stale_seconds)
        await reports.fold(connection)
        await tallies.fold_settled(connection)
    if dropped or stalled or lost:
        logger.info(
            "swept: handed back %d chunks of silent workers, sent %d that had no message, "
            "dropped %d messages that cannot be read",
            stalled,
            len(lost),
            dropped,
        )
    return last


async def _hand_back_forgotten(database: Database, messages: Messages) -> None:
    async with database.connection() as connection:
        forgotten = messages.forgotten(await queue.messages_in_work(connection))
        if forgotten:
            ours = await queue.hand_back(connection, forgotten)
            logger.info("swept: handed back %d of our own messages that nobody works on", ours)
