"""Sets up the log of a process: standard error, one line per event."""

import logging
import sys

from retailpulse.config.settings import LogSettings


def set_up_logging(settings: LogSettings, process: str) -> None:
    """Logs to standard error, one line per event, with the name of the process."""
    logging.basicConfig(
        level=settings.level,
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)-7s {process}: %(message)s",
    )
    # The queue speaks of every message, the pool of every try to connect.
    logging.getLogger("procrastinate").setLevel("ERROR" if settings.level != "DEBUG" else "DEBUG")
    logging.getLogger("psycopg").setLevel("ERROR" if settings.level != "DEBUG" else "DEBUG")
    logging.getLogger("alembic").setLevel("WARNING")
