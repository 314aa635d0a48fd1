"""How near different upright photos are, and how near they would be on their side, without EXIF data.

Boards run through all shelves, so that those on their side are alike. Weak: drawn fridges have the same
doors, seen from one place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.truth.copies import bits_of, fingerprint_of, product_of
from bench.truth.photos import named
from retailpulse.demo.dice import Dice
from retailpulse.demo.scenes import fridge, shelf
from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import COPY_DISTANCE, SCENE_DISTANCE

_SIZE = (756, 1008)
_FIRST_SEED = 1000
_RATIOS = ((3, 4), (9, 16))
HEAD = f"""\
| pairs of different upright photos | pairs | upright: <= {COPY_DISTANCE} | <= {SCENE_DISTANCE} \
| on their side: <= {COPY_DISTANCE} | <= {SCENE_DISTANCE} |
|---|---:|---:|---:|---:|---:|"""
Named = Sequence[tuple[str, Image.Image]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Nearness:
    """How many pairs of photos there are, and how many are copies and scenes: upright, and on their side."""

    label: str
    pairs: int
    copies: int
    scenes: int
    copies_turned: int
    scenes_turned: int

    def row(self) -> str:
        """A row of the table, in Markdown."""
        upright = f"| {self.label} | {self.pairs} | {self.copies} | {self.scenes} "
        return f"{upright}| {self.copies_turned} | {self.scenes_turned} |"


def measure(folder: Path | None, count: int) -> Iterator[Nearness]:
    """The photos of a folder, cut to upright ones, or drawn ones."""
    if folder is None:
        for scene in (shelf, fridge):
            drawn = [(str(number), scene(_SIZE, Dice(_FIRST_SEED + number))) for number in range(count)]
            yield _measure(f"drawn, {scene.__name__}", drawn)
        return
    photos = [(product_of(name), photo) for name, photo in named(folder, count, 0)]
    for wide, tall in _RATIOS:
        yield _measure(f"cut to {wide}:{tall}", [(name, _cut(photo, wide / tall)) for name, photo in photos])


def _measure(label: str, photos: Named) -> Nearness:
    turned = [(name, photo.transpose(Image.Transpose.ROTATE_90)) for name, photo in photos]
    pairs, copies, scenes = _near(photos)
    _, copies_turned, scenes_turned = _near(turned)
    return Nearness(
        label=label,
        pairs=pairs,
        copies=copies,
        scenes=scenes,
        copies_turned=copies_turned,
        scenes_turned=scenes_turned,
    )


def _near(photos: Named) -> tuple[int, int, int]:
    """Pairs of photos of different names, and how many are copies and scenes, asked either way."""
    found = [(name, data) for name, photo in photos if (data := fingerprint_of(photo)) is not None]
    names = np.array([name for name, _ in found])
    kept, owners = bits_of([fingerprints.parse(data) for _, data in found])
    least = np.full((len(found), len(found)), 256.0)
    for place, (_, data) in enumerate(found):
        asked, _ = bits_of([[probe.hash for probe in fingerprints.probes(data)]])
        np.minimum.at(least[place], owners, ((256 - kept @ asked.T) / 2).min(axis=1))
    is_pair = np.triu(names[:, None] != names, k=1)
    least = np.minimum(least, least.T)[is_pair]
    return least.size, int((least <= COPY_DISTANCE).sum()), int((least <= SCENE_DISTANCE).sum())


def _cut(photo: Image.Image, ratio: float) -> Image.Image:
    width = min(photo.width, photo.height * ratio)
    across, along = (photo.width - width) / 2, (photo.height - width / ratio) / 2
    return photo.crop((round(across), round(along), round(photo.width - across), round(photo.height - along)))
