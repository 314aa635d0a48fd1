"""The service without its workers: the embedded PostgreSQL and the API, so that submits are all that happens.

Its own process (`python -m bench.api_only PORT DATA_DIR`): the command line has no such thing, as jobs would
wait for ever.
"""

import asyncio
import os
import sys

from retailpulse.bootstrap.database import open_database
from retailpulse.config.settings import DatabaseSettings
from retailpulse.process.signals import first, stop_on_signals


async def run(port: str, data_dir: str) -> None:
    """Run both until one ends or we are told to stop."""
    stop = stop_on_signals()
    async with open_database(DatabaseSettings(data_dir=data_dir), stop) as database:
        if database is None:
            return
        command = (sys.executable, "-m", "retailpulse", "api", "--port", port)
        environment = {**os.environ, "RETAILPULSE_DATABASE_URL": database.url}
        api = await asyncio.create_subprocess_exec(*command, env=environment)
        ended = asyncio.create_task(api.wait())
        await first(ended, stop.wait())
        if not ended.done():
            api.terminate()
            await ended


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2]))
