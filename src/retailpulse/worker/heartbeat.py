"""Says that this worker is alive for as long as it holds messages.

The queue's own heartbeat ends as soon as it claims no more: a worker that drains, or that has lost a
session, would be taken for dead and its images done twice.
"""

import asyncio
import logging

import procrastinate
from procrastinate.exceptions import ConnectorException

from retailpulse.worker.messages import Messages

logger = logging.getLogger(__name__)


async def beat_forever(app: procrastinate.App, messages: Messages, heartbeat_seconds: float) -> None:
    """Beats at a steady pace until it is cancelled."""
    while True:
        await asyncio.sleep(heartbeat_seconds)
        try:
            for worker_id in messages.holders():
                await app.job_manager.update_heartbeat(worker_id)
        except ConnectorException as error:
            logger.warning("the heartbeat waits for the database: %s", error)
