"""How every command ends: on Ctrl-C, with a reader that hangs up, without a package that it needs.

A reader that has enough (`| head`) is no error, and gets none.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import rich_click as click
from click.exceptions import Exit

from retailpulse.cli.terminal import printable, printable_lines

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class Terminated(BaseException):
    """SIGTERM or SIGHUP came: unwind and clean up."""


class Refusal(click.ClickException):
    """The command was understood, but cannot be done: exit code 1."""

    exit_code = 1


@contextmanager
def exit_cleanly() -> Iterator[None]:
    """Turns the exceptions of a command into messages and exit codes."""
    try:
        with _flushed():
            yield
    except BrokenPipeError:
        # The interpreter flushes standard output once more as it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(0) from None
    except KeyboardInterrupt:
        raise Exit(INTERRUPTED) from None
    except click.ClickException as error:
        # Its attributes are final for type checkers, and it is the library that prints them.
        vars(error).update(message=printable_lines(error.message))
        if isinstance(error, click.FileError):
            vars(error).update(ui_filename=printable(error.ui_filename))
        raise
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("retailpulse"):
            raise
        raise Refusal(
            f"This command needs the parts of the server, and {error.name} is not installed. "
            "Install them: pip install 'retailpulse[server]'"
        ) from error


@contextmanager
def _flushed() -> Iterator[None]:
    """Writes out what was printed while a reader that hung up can still be told from an error."""
    try:
        yield
    except Exit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()
