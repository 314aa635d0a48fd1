"""Numbers as people type them: 100M images, 2.5MB, 200ms."""

import re
from typing import Any

import rich_click as click

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)")
_THOUSANDS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_BYTES = {"": 1.0, "b": 1.0} | {f"{prefix}b": by for prefix, by in _THOUSANDS.items() if prefix}
_BYTES |= {"kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30}
_SECONDS = {"": 1.0, "s": 1.0, "ms": 1e-3, "min": 60.0}


class Quantity(click.ParamType[float]):
    """A number above 0 with a unit, which may be left out; letters of either case."""

    def __init__(self, name: str, units: dict[str, float], example: str) -> None:
        self.name = name
        self._units = units
        self._example = example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, in the unit that has the factor 1; a wrong one ends the command."""
        if isinstance(value, float):
            return value
        found = _QUANTITY.fullmatch(str(value).strip().replace(",", ""))
        factor = found and self._units.get(found[2].lower())
        if found is None or factor is None or float(found[1]) == 0:
            self.fail(f"{value!r} is no number above 0 such as {self._example}", param, ctx)
        return float(found[1]) * factor


COUNT = Quantity("number", _THOUSANDS, "250000, 250k or 100M")
SIZE = Quantity("size", _BYTES, "2500000, 800kB or 2.5MB")
SECONDS = Quantity("seconds", _SECONDS, "0.2, 200ms or 2s")
