"""What columns are called: the names that people give to the wanted ones, and those that a caller says."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from retailpulse.domain.errors import InvalidRequest

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_DIGITS = re.compile("[0-9]+")
LONGEST_SHOWN = 60
"""Most characters of a text of the file that an error quotes."""


@dataclass(frozen=True, kw_only=True)
class ColumnSpec:
    """A wanted column: its own name, the other names that it may have, and whether a table must have it.

    One that may be numbered may also stand in several columns, as `Photo 1` and `Photo 2`.
    """

    name: str
    aliases: tuple[str, ...] = ()
    is_required: bool = True
    may_be_numbered: bool = False


def normalized(name: str) -> str:
    """A name without case, accents, and all that is neither letter nor digit."""
    if not name.isascii():
        decomposed = unicodedata.normalize("NFKD", name)
        name = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _NOT_ALPHANUMERIC.sub("", name.casefold())


def without_number(name: str) -> str:
    """A normalized name without the number that tells it from others: `photo2url` is `photourl`."""
    return _DIGITS.sub("", name)


def shown(text: str) -> str:
    """A text of the file for an error: printable, and not too long."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable if len(printable) <= LONGEST_SHOWN else printable[: LONGEST_SHOWN - 1] + "…"


def parse_column_names(texts: Iterable[str], wanted: Sequence[ColumnSpec]) -> dict[str, str]:
    """Reads `store_id:Outlet Code,image_url:C`, said once or several times: wanted column to the table's own.

    A name of the table may hold commas and colons. Raises InvalidRequest.
    """
    own = {normalized(column.name): column.name for column in wanted}
    found: dict[str, str] = {}
    for text in texts:
        for part in _parts(text, own):
            name, separator, column = re.sub(r"[:=]", ":", part, count=1).partition(":")
            known = own.get(normalized(name))
            if not separator or known is None or not column.strip():
                names = ", ".join(own.values())
                raise InvalidRequest(
                    f"columns: {shown(part)!r} is not NAME:COLUMN with a name of {names}; for example "
                    f"columns={wanted[0].name}:C, or the column's header in place of its letter"
                )
            if known in found:
                raise InvalidRequest(f"columns: {known} is named twice")
            found[known] = column.strip()
    return found


def _parts(text: str, own: Mapping[str, str]) -> Iterator[str]:
    """Cuts at the commas behind which the name of a wanted column and a colon follow."""
    part = ""
    for piece in text.split(","):
        begins = normalized(re.split("[:=]", piece, maxsplit=1)[0]) in own and re.search("[:=]", piece)
        if part and begins:
            yield part
            part = piece
        else:
            part = f"{part},{piece}" if part else piece
    yield part


def positions_named(name: str, cells: Sequence[str]) -> list[int]:
    """Where the column is that a caller names: by its header, or by a letter or number."""
    for same in (
        [at for at, cell in enumerate(cells) if cell == name],
        [at for at, cell in enumerate(cells) if normalized(cell) == normalized(name) != ""],
    ):
        if same:
            return same
    at = _position(name)
    return [at] if at is not None and at < len(cells) else []


def _position(name: str) -> int | None:
    """The place of a column from 0: `A` or `1` is the first."""
    if re.fullmatch(r"[1-9][0-9]{0,4}", name):
        return int(name) - 1
    if re.fullmatch(r"[A-Za-z]{1,3}", name):
        number = 0
        for letter in name.upper():
            number = number * 26 + ord(letter) - ord("A") + 1
        return number - 1
    return None


def letter(position: int) -> str:
    """What a spreadsheet calls a column: A for the first, whose position is 0."""
    text = ""
    position += 1
    while position:
        position, digit = divmod(position - 1, 26)
        text = chr(ord("A") + digit) + text
    return text


@cache
def normalized_names(column: ColumnSpec) -> frozenset[str]:
    """All names that a wanted column may have, normalized."""
    return frozenset(map(normalized, (column.name, *column.aliases)))
