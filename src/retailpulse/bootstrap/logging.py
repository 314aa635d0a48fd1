"""Sets up the log of a process: standard error, one line per event."""

import logging
import sys

from retailpulse.config.settings import LogSettings
from retailpulse.telemetry.log_fields import FIELDS, REQUEST, REQUEST_ID


class _FieldsFormatter(logging.Formatter):
    """Writes what a line is about behind its text, as `job=...`."""

    def format(self, record: logging.LogRecord) -> str:
        given = {name: getattr(record, name, None) for name in FIELDS}
        given[REQUEST] = given[REQUEST] or REQUEST_ID.get()
        record.fields = "".join(f" {name}={value}" for name, value in given.items() if value is not None)
        return super().format(record)


def set_up_logging(settings: LogSettings, process: str) -> None:
    """Logs to standard error, one line per event, with the name of the process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_FieldsFormatter(f"%(asctime)s %(levelname)-7s {process}: %(message)s%(fields)s"))
    logging.basicConfig(level=settings.level, handlers=[handler])
    # The pool speaks of every try to connect.
    logging.getLogger("psycopg").setLevel("ERROR" if settings.level != "DEBUG" else "DEBUG")
    logging.getLogger("alembic").setLevel("WARNING")
