"""The one door to the terminal: all that a command says goes through here, without control characters.

URLs, names, details and errors come from strangers and may hold escape sequences. Weak: what is not printable
for Python is replaced too, such as joiners inside emoji and no-break spaces.
"""

import codecs
import re
from collections.abc import Callable

import rich_click as click

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
