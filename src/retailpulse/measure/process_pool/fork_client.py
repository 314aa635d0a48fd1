"""The worker's end of the fork server: starts it, and orders it to fork, lower and kill decoders.

Requests and answers of decoders are not here: they pass over a channel of each one's own.
"""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress

import msgspec

from retailpulse.config.settings import MeasureSettings
from retailpulse.measure.process_pool.protocol import FORK, KILL, LOWER, ORDER

_TO_FIND_CODE = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")


class ForkServer:
    """The process that decoders are forked from; they end with it."""

    def __init__(self, settings: MeasureSettings) -> None:
        """Starts the process, which blocks for some milliseconds; raises OSError."""
        self._is_lost = False
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        module = "retailpulse.measure.process_pool.fork_server"
        command = [sys.executable, "-m", module, str(theirs.fileno()), msgspec.json.encode(settings).decode()]
        # Blocked, a signal to the whole group cannot hit it before it ignores them; threads have own masks.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self._process = subprocess.Popen(
                command,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(),
            )
        except BaseException:
            self._orders.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()

    def is_alive(self) -> bool:
        """Whether the process still runs and listens."""
        return not self._is_lost and self._process.poll() is None

    def fork(self, number: int, channel: socket.socket, shelf_fd: int) -> None:
        """Have a decoder forked that listens on this channel; raises OSError if the process is gone."""
        try:
            socket.send_fds(self._orders, [ORDER.pack(FORK, number)], [channel.fileno(), shelf_fd])
        except OSError:  # it stops listening some time before it counts as ended
            self._is_lost = True
            raise

    def kill(self, number: int) -> None:
        """Order a decoder to be killed; harmless if it has ended."""
        with suppress(OSError):
            self._orders.send(ORDER.pack(KILL, number))

    def lower(self, number: int) -> None:
        """Have a decoder take what others leave of the cores, until its end."""
        with suppress(OSError):
            self._orders.send(ORDER.pack(LOWER, number))

    def close(self) -> None:
        """End the process and all decoders; blocks until it is gone."""
        self._orders.close()
        self._process.wait()


def _environment() -> dict[str, str]:
    """What is needed to find the code that it runs, and nothing that decoders should not know."""
    kept = {name: os.environ[name] for name in _TO_FIND_CODE if name in os.environ}
    # A BLAS of many threads comes with numpy, is never used, and does not like forks.
    return {**kept, "OPENBLAS_NUM_THREADS": "1"}
