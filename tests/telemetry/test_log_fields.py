"""A log line names the job that it is about as a field, behind its text."""

import subprocess
import sys

SAID = """
import logging
from retailpulse.bootstrap.logging import set_up_logging
from retailpulse.config.settings import LogSettings
from retailpulse.telemetry.log_fields import about

set_up_logging(LogSettings(), "worker")
log = logging.getLogger("retailpulse.worker")
log.warning("gave up a callback: %s", "HTTP 500", extra=about("J1"))
log.warning("an image failed", extra=about("J1", 7))
log.warning("ready to work")
"""


def test_a_line_ends_with_what_it_is_about() -> None:
    done = subprocess.run([sys.executable, "-c", SAID], capture_output=True, text=True, check=True)
    lines = [line.partition("worker: ")[2] for line in done.stderr.splitlines()]
    assert lines == ["gave up a callback: HTTP 500 job=J1", "an image failed job=J1 image=7", "ready to work"]
