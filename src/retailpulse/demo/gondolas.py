"""Gondolas, the long shelves of a shop, photographed straight on: any number of different photos of each.

A gondola is drawn as tiles, one bay of one shelf each; a photo is a grid of them that no other photo has
(`tiles` puts it together). Weak: seen from the front only; `scenes` has the other views.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from PIL import Image, ImageDraw

from retailpulse.demo.dice import Dice
from retailpulse.demo.exif import Capture, exif_block
from retailpulse.demo.photos import grain
from retailpulse.demo.products import Colour
from retailpulse.demo.shelves import DRINKS, GROCERIES, SNACKS, Wall, draw_wall
from retailpulse.demo.tiles import UNIT, Tiles, encoded

COUNT = 53
"""Tiles of a gondola: a prime, and more than a photo has places for."""

_DRAWN_WIDTH = 240  # of a bay; drawn at this size and scaled
_UPRIGHT = 4
_GAP = (26, 24, 24)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gondola:
    """Photos of `width` x `height`; a bay is `across` intervals wide, and a shelf `down` units high.

    `interval` is what lies between two restart markers, in units of 16 pixels; it divides the width.
    """

    name: str
    width: int
    height: int
    interval: int
    across: int
    down: int
    kinds: tuple[str, ...] = GROCERIES
    rail: Colour = (186, 36, 42)
    back: Colour = (92, 88, 84)
    warmth: float = 0.3

    @property
    def perimeter(self) -> int:
        """What the service is to answer for each photo."""
        return 2 * (self.width + self.height)


GONDOLAS: tuple[Gondola, ...] = (
    Gondola(name="grocery", width=4032, height=3024, interval=21, across=2, down=38),
    Gondola(
        name="snacks", width=3840, height=2160, interval=20, across=2, down=34, kinds=SNACKS,
        rail=(28, 86, 150), warmth=0.1,
    ),
    Gondola(
        name="drinks", width=4000, height=3000, interval=10, across=4, down=38, kinds=DRINKS,
        rail=(214, 226, 236), back=(176, 204, 222), warmth=-0.6,
    ),
    Gondola(
        name="pantry", width=3264, height=2448, interval=17, across=2, down=30, rail=(44, 120, 70), warmth=0.5
    ),
    Gondola(name="aisle-end", width=2592, height=1944, interval=9, across=3, down=24, rail=(236, 150, 30)),
    Gondola(
        name="kiosk", width=2048, height=1536, interval=8, across=3, down=19, kinds=SNACKS,
        rail=(232, 232, 228), warmth=0.0,
    ),
    Gondola(
        name="cooler", width=1920, height=1080, interval=10, across=2, down=15, kinds=DRINKS,
        rail=(236, 244, 250), back=(150, 180, 204), warmth=-0.4,
    ),
    Gondola(name="corner", width=3200, height=2400, interval=20, across=2, down=30, rail=(120, 60, 140)),
)  # fmt: skip


class Stock:
    """The encoded tiles of all gondolas, as they lie in a folder; read when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tiles: dict[str, Tiles] = {}

    def photo(self, gondola: Gondola, number: int, capture: Capture) -> bytes:
        """Photo `number` of a gondola, from 0: a JPEG like no other one of it up to 146,000."""
        if gondola.name not in self._tiles:
            jpegs = msgspec.msgpack.decode(_file(self._folder, gondola).read_bytes(), type=list[bytes])
            self._tiles[gondola.name] = Tiles(jpegs, across=gondola.across)
        exif = exif_block(width=gondola.width, height=gondola.height, orientation=1, capture=capture)
        return self._tiles[gondola.name].photo(
            tile_grid(gondola, number),
            width=gondola.width,
            height=gondola.height,
            left=number * 5 % gondola.across,
            top=number * 17 % gondola.down,
            exif=exif,
        )


def draw_gondola(gondola: Gondola, folder: Path, noise: Image.Image) -> None:
    """Draw and encode the tiles of a gondola into a file of `folder`."""
    dice = Dice(sum(gondola.name.encode()) * gondola.width)
    jpegs = [encoded(grain(_tile(gondola, dice), noise), gondola.interval) for _ in range(COUNT)]
    _file(folder, gondola).write_bytes(msgspec.msgpack.encode(jpegs))


def _file(folder: Path, gondola: Gondola) -> Path:
    return folder / f"{gondola.name}.tiles"


def tile_grid(gondola: Gondola, number: int) -> Sequence[Sequence[int]]:
    """Which tile stands where, rows from the top; two photos agree in two places at most.

    The values of a polynomial of degree two, modulo a prime, have this property.
    """
    rows = -(-gondola.height // (UNIT * gondola.down)) + 1
    columns = -(-gondola.width // (UNIT * gondola.interval * gondola.across)) + 1
    first, steps = number % COUNT, number // COUNT
    second, third = steps % COUNT, 1 + steps // COUNT % (COUNT - 1)
    return [
        [
            (first + second * place + third * place * place) % COUNT
            for place in range(row * columns, (row + 1) * columns)
        ]
        for row in range(rows)
    ]


def _tile(gondola: Gondola, dice: Dice) -> Image.Image:
    width, height = gondola.interval * gondola.across * UNIT, gondola.down * UNIT
    drawn = (_DRAWN_WIDTH, _DRAWN_WIDTH * height // width)
    wall = Wall(
        width=drawn[0],
        height=drawn[1],
        rows=1,
        kinds=gondola.kinds,
        back=gondola.back,
        rail=gondola.rail,
        facings=(1, 2),
    )
    red, blue, gain = 1 + 0.07 * gondola.warmth, 1 - 0.09 * gondola.warmth, dice.between(0.85, 1.15)
    curve = [min(255, int(step * gain * factor)) for factor in (red, 1.0, blue) for step in range(256)]
    bay = draw_wall(wall, dice)
    draw = ImageDraw.Draw(bay)
    draw.rectangle((0, 0, _UPRIGHT, bay.height), fill=(168, 168, 166))
    draw.line((_UPRIGHT, 0, _UPRIGHT, bay.height), fill=(84, 84, 84))
    tile = bay.resize((width, height), Image.Resampling.BICUBIC).point(curve)
    draw = ImageDraw.Draw(tile)
    # The gap under a board is dark, with edges between blocks of pixels, so that they stay hard when reduced.
    draw.rectangle((0, 0, width, UNIT - 1), fill=_GAP)
    draw.rectangle((0, height - UNIT // 2, width, height), fill=_GAP)
    return tile
