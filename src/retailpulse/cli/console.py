"""Consoles of rich, which draw tables, bars and colour: what they show is printable, as at the `terminal`.

A module of its own because rich is a third of what the command line loads, and API and workers show nothing.
"""

import functools
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from retailpulse.cli.terminal import printable_lines

_PIPE_WIDTH = 200  # nothing is cut off if no one looks


class _Console(Console):
    """A console whose text holds no control characters but its own.

    It leaves it to the command line how a reader that hangs up is met; the library would exit with 1.
    """

    def on_broken_pipe(self) -> None:
        """Leaves it to `exit_codes`."""
        raise BrokenPipeError

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of the library, each text made printable."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable_lines(text), style, control)


def output_console() -> Console:
    """Standard output, as it is now."""
    console = _Console(highlight=False)
    return console if console.is_terminal else _Console(highlight=False, width=_PIPE_WIDTH)


@functools.cache
def error_console() -> Console:
    """Standard error: one console, so that what is said stands above a bar that moves."""
    return _Console(stderr=True, highlight=False, soft_wrap=True)
