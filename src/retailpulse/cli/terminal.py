"""The one door to the terminal: all that a command says goes through here, without control characters.

URLs, names, details and errors come from strangers and may hold escape sequences. Weak: what is not printable
for Python is replaced too, such as joiners inside emoji and no-break spaces.
"""

import codecs
import functools
import re
from collections.abc import Callable, Iterable

import rich_click as click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_PIPE_WIDTH = 200  # nothing is cut off if no one looks
_SUSPECT = re.compile(r"[^ -~\n]")


def printable(text: str) -> str:
    """The text with every control character replaced."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def printable_lines(text: str) -> str:
    """The same of a text of several lines: line feeds stay."""
    return "\n".join(map(printable, text.split("\n")))


def printable_json(text: str) -> str:
    """JSON with every control character as JSON spells it, so that it means the same; line feeds stay."""
    return _SUSPECT.sub(lambda found: _spelt(found[0]), text)


def _spelt(char: str) -> str:
    if char.isprintable():
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def echo(text: str, *, err: bool = False) -> None:
    """Prints lines of text."""
    click.echo(printable_lines(text), err=err)


def echo_json(text: str) -> None:
    """Prints JSON."""
    click.echo(printable_json(text))


def printable_blocks() -> Callable[[bytes], bytes]:
    """What makes the blocks of a UTF-8 file fit for a terminal, one after the other; line feeds stay."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return lambda block: printable_lines(decoder.decode(block)).encode()


class _Console(Console):
    """A console whose text holds no control characters but its own.

    It leaves it to the command line how a reader that hangs up is met; the library would exit with 1.
    """

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
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
