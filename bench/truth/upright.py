"""How near different upright photos are, and how near they would be on their side, without EXIF data.

Boards run through all shelves, so that those on their side are alike. Weak: drawn fridges have the same
doors, seen from one place.
"""

from collections.abc import Iterator, Sequence
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


def rows(folder: Path | None, count: int) -> Iterator[str]:
    """Rows of the table, in Markdown: the photos of a folder, cut to upright ones, or drawn ones."""
    if folder is None:
        for scene in (shelf, fridge):
            drawn = [(str(number), scene(_SIZE, Dice(_FIRST_SEED + number))) for number in range(count)]
            yield _row(f"drawn, {scene.__name__}", drawn)
        return
    photos = [(product_of(name), photo) for name, photo in named(folder, count, 0)]
    for wide, tall in _RATIOS:
        yield _row(f"cut to {wide}:{tall}", [(name, _cut(photo, wide / tall)) for name, photo in photos])


def _row(label: str, photos: Named) -> str:
    turned = [(name, photo.transpose(Image.Transpose.ROTATE_90)) for name, photo in photos]
    pairs, copies, scenes = _near(photos)
    _, copies_turned, scenes_turned = _near(turned)
    return f"| {label} | {pairs} | {copies} | {scenes} | {copies_turned} | {scenes_turned} |"


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
