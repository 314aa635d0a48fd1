"""Runs a command in a folder of its own that is gone when we end, however we end: even killed.

The service's own demo has a keeper for that; here is only how the bench uses it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from retailpulse.demo.keeper import EXIT_NAME, LOG_NAME

CHECKOUT = Path(__file__).parents[1]
_LOG_LINES = 25


class ScratchProcess:
    """A folder, and later a command that runs in it; use it as a context."""

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"retailpulse-bench-{name}-"))
        self.folder.chmod(0o711)  # the embedded PostgreSQL and nginx run as other users where we are root
        self._keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()
            self._keeper.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, command: Sequence[str], settings: Mapping[str, str]) -> None:
        """Starts the command, with these settings of the service and no others from our environment."""
        self._keeper = subprocess.Popen(
            (sys.executable, "-m", "retailpulse.demo.keeper", str(self.folder), *command),
            stdin=subprocess.PIPE,
            env={**clean_environment(), **settings},
            start_new_session=True,  # Ctrl-C is for the bench, which then lets go of the keeper
        )

    @property
    def keeper_pid(self) -> int:
        """The process under which the command runs."""
        if self._keeper is None:
            raise RuntimeError("nothing was started")
        return self._keeper.pid

    def ended(self) -> bool:
        """Whether the command is gone."""
        return (self.folder / EXIT_NAME).exists() or (
            self._keeper is not None and self._keeper.poll() is not None
        )

    def log_end(self) -> str:
        """The last lines that the command printed."""
        try:
            text = (self.folder / LOG_NAME).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            text = ""
        return "\n".join(text.splitlines()[-_LOG_LINES:]) or "(it printed nothing)"


def clean_environment() -> dict[str, str]:
    """Our environment without settings of the service; what is run is the code of this checkout."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("RETAILPULSE_")}
    return ours | {"PYTHONPATH": os.pathsep.join((str(CHECKOUT / "src"), str(CHECKOUT)))}
