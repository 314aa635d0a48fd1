"""Lists on standard output, item by item as they come: a line each, or one JSON array.

What comes from outside is shown without control characters: it may hold escapes.
"""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec
import rich_click as click

from retailpulse.cli.console import error_console
from retailpulse.cli.terminal import echo, echo_json, printable, printable_json

T = TypeVar("T")

DEFAULT_LIMIT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Column(Generic[T]):
    """A column of a list: its title, how wide it is at least, and what stands in it."""

    title: str
    width: int
    text: Callable[[T], str]
    is_number: bool = False

    def cell(self, text: str) -> str:
        """The text at the width of the column."""
        return text.rjust(self.width) if self.is_number else text.ljust(self.width)


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a list that may be long."""
    command = click.option("--all", "is_all", is_flag=True, help="Show all.")(command)
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=DEFAULT_LIMIT,
        show_default=True,
        metavar="NUMBER",
        help="Show at most this many.",
    )(command)


def show_list(
    items: Iterator[T],
    columns: Sequence[Column[T]],
    *,
    as_json: bool,
    limit: int,
    is_all: bool,
    say_more: Callable[[], str] | None = None,
) -> None:
    """Prints the first items, or all of them, and says on standard error if there are more.

    `say_more` knows how many there are; it is asked only then.
    """
    shown = items if is_all else islice(items, limit)
    if as_json:
        print_array(shown)
    else:
        print_lines(shown, columns)
    if not is_all and next(items, None) is not None:
        more = f"There are more than {limit:,}" if say_more is None else say_more()
        error_console().print(f"{more}: --limit or --all shows them.", markup=False)


def print_array(items: Iterator[Any]) -> None:
    """Prints items as a JSON array, one a line."""
    for line in array_lines(items):
        echo(line)


def array_lines(items: Iterator[Any]) -> Iterator[str]:
    """The lines of a JSON array of items; the first item is asked for before the array begins."""
    before = next(items, None)
    if before is None:
        yield "[]"
        return
    yield "["
    for item in items:
        yield _json_line(before) + ","
        before = item
    yield _json_line(before)
    yield "]"


def _json_line(item: Any) -> str:
    return printable_json(msgspec.json.encode(item).decode())


def print_json(item: Any) -> None:
    """Prints an item as indented JSON."""
    echo_json(msgspec.json.format(msgspec.json.encode(item), indent=2).decode())


def print_lines(items: Iterator[T], columns: Sequence[Column[T]]) -> None:
    """Prints items as lines under a header; on a terminal they are cut to its width."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in lines(items, columns):
        echo(cut(line, width))


def lines(items: Iterator[T], columns: Sequence[Column[T]]) -> Iterator[str]:
    """Items as lines under a header; the first is asked for before the header is given."""
    first = next(items, None)
    yield "  ".join(column.cell(column.title) for column in columns).rstrip()
    if first is not None:
        yield _line(first, columns)
    for item in items:
        yield _line(item, columns)


def _line(item: T, columns: Sequence[Column[T]]) -> str:
    return "  ".join(column.cell(printable(column.text(item))) for column in columns).rstrip()


def cut(line: str, width: int | None) -> str:
    """The line cut to a width, in characters."""
    return line if width is None or len(line) <= width else line[: width - 1] + "…"
