"""What `serve` says once it answers: its addresses, where the data lies, and commands to go on with.

On a terminal it is a block of lines; in a log each of them is an event.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from retailpulse.cli.console import error_console
from retailpulse.cli.invocation import invocation_elsewhere
from retailpulse.config.settings import ApiSettings, Settings
from retailpulse.process.readiness_probe import local_url

logger = logging.getLogger(__name__)


def show_first_steps(settings: Settings) -> None:
    """Print where the service is and what to do next, on standard error."""
    url = local_url(settings.api)
    facts = (
        f"Dashboard, to see it in a browser: {url}/",
        f"Documentation, to try in a browser: {url}/docs",
        f"Data: {_where_data_lies(settings)}",
    )
    steps = tuple(_steps(url))
    console = error_console()
    if not console.is_terminal:
        for line in (*facts, f"To try it: {' && '.join(steps)}"):
            logger.info("%s", line)
        return
    lines = (f"\nRetail Pulse answers on {url}", *facts, "To try it in another terminal:")
    with contextlib.suppress(OSError):  # the terminal may be gone, which ends no service
        for line in (*lines, *(f"  {step}" for step in steps), "Ctrl-C stops it.\n"):
            console.print(line, markup=False)


def _where_data_lies(settings: Settings) -> str:
    if settings.database.url:
        return "the PostgreSQL that RETAILPULSE_DATABASE_URL names"
    return str(Path(settings.database.data_dir).expanduser().resolve())


def _steps(url: str) -> Iterator[str]:
    program = invocation_elsewhere()
    where = "" if url == local_url(ApiSettings()) else f" --url {url}"
    yield f"{program} sample stores | {program} stores import -{where}"
    yield f"{program} sample job | {program} submit - --watch{where}"
