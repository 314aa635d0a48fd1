"""Recipes of photos that are put together when they are asked for, as a file beside the tiles of gondolas.

The job writes them, the origin reads them; both run in processes of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from retailpulse.demo.exif import Capture
from retailpulse.demo.gondolas import GONDOLAS, Stock

_FILE = "recipes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Photo `number` of a gondola, and when and where it was taken."""

    gondola: str
    number: int
    capture: Capture


def write_recipes(recipes: Mapping[str, Recipe], folder: Path) -> None:
    """Write the recipes, by file name, into the folder that has the tiles."""
    (folder / _FILE).write_bytes(msgspec.msgpack.encode(recipes))


class Kitchen:
    """Makes photos by the recipes of a folder, which are read when one is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._gondolas = {gondola.name: gondola for gondola in GONDOLAS}
        self._stock = Stock(folder)
        self._recipes: dict[str, Recipe] = {}

    def photo(self, name: str) -> bytes | None:
        """The photo of this file name, or None if there is no recipe for it."""
        if not self._recipes and (self._folder / _FILE).is_file():
            encoded = (self._folder / _FILE).read_bytes()
            self._recipes = msgspec.msgpack.decode(encoded, type=dict[str, Recipe])
        recipe = self._recipes.get(name)
        if recipe is None:
            return None
        return self._stock.photo(self._gondolas[recipe.gondola], recipe.number, recipe.capture)
