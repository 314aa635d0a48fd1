"""Sets up the log of a process: standard error, one line per event."""

import logging
import os
import sys
from types import TracebackType

from retailpulse.config.settings import LogSettings
from retailpulse.telemetry.log_format import make_formatter

logger = logging.getLogger(__name__)


def set_up_logging(settings: LogSettings, process: str) -> None:
    """Logs to standard error, with the name of the process: for people on a terminal, as JSON elsewhere."""
    on_terminal = sys.stderr.isatty()
    as_json = settings.format == "json" or (settings.format == "auto" and not on_terminal)
    handler = logging.StreamHandler(sys.stderr)
    colours = on_terminal and not os.environ.get("NO_COLOR")
    handler.setFormatter(make_formatter(process, as_json=as_json, colours=colours))
    logging.basicConfig(level=settings.level, handlers=[handler])
    sys.excepthook = _log_end
    # The pool speaks of every try to connect.
    logging.getLogger("psycopg").setLevel("ERROR" if settings.level != "DEBUG" else "DEBUG")
    logging.getLogger("alembic").setLevel("WARNING")


def _log_end(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Logs what ends this process, in the form of every other line."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        logger.critical("this process cannot go on", exc_info=(kind, error, traceback))
