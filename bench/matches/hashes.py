"""Hashes as photos have them: grids of brightness drawn with the mean and the covariance of those of photos.

Bits of real hashes depend on their neighbours, and some are set in most photos, so that keys meet far more
often than those of random bits would. Weak: a grid of normal values has no hard edges.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retailpulse.demo.dice import Dice
from retailpulse.demo.scenes import aisle, fridge, promotion, shelf
from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import SIDE

Bits = NDArray[np.uint8]
Floats = NDArray[Any]
_SIZE = (1024, 768)
"""Of drawn photos: in smaller ones, far shelves have less than a pixel for some products."""
_CHUNK = 50_000


def grids(folder: Path | None, count: int) -> Floats:
    """Grids of 16 rows of 17 means, of the photos of a folder or of drawn ones, a row of the result each."""
    pictures = _drawn(count) if folder is None else _of_folder(folder, count)
    return np.array([_grid(picture) for picture in pictures], dtype=np.float64)


def _drawn(count: int) -> Iterator[Image.Image]:
    for number in range(count):
        yield (shelf, fridge, aisle, promotion)[number % 4](_SIZE, Dice(number))


def _of_folder(folder: Path, count: int) -> Iterator[Image.Image]:
    left = count
    for path in sorted(folder.rglob("*")):
        if left and path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"}:
            left -= 1
            with Image.open(path) as opened:
                yield opened.convert("RGB")


def _grid(picture: Image.Image) -> Floats:
    small = picture.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64).reshape(-1)


def bits_of(seen: Floats) -> Bits:
    """The bits of the hashes of grids: is the right neighbour brighter?"""
    rows = seen.reshape(len(seen), SIDE, SIDE + 1)
    return (rows[:, :, 1:] > rows[:, :, :-1]).reshape(len(seen), -1).astype(np.uint8)


class HashSource:
    """Draws hashes that are distributed as those of the photos that it was given."""

    def __init__(self, seen: Floats, seed: int) -> None:
        self._mean = seen.mean(axis=0)
        covariance = np.cov(seen, rowvar=False)
        own = np.diag(np.diag(covariance))
        values, vectors = np.linalg.eigh(0.95 * covariance + 0.05 * own)  # of few photos it has no full rank
        self._factor = vectors * np.sqrt(np.maximum(values, 0))
        self._dice = np.random.default_rng(seed)

    def draw(self, count: int) -> Bits:
        """The bits of so many hashes, in the order of the hash."""
        normal = self._dice.standard_normal((count, len(self._mean)), dtype=np.float32)
        return bits_of(self._mean + normal @ self._factor.T.astype(np.float32))

    def chunks(self, count: int) -> Iterator[Bits]:
        """The same in pieces that fit in memory."""
        for first in range(0, count, _CHUNK):
            yield self.draw(min(_CHUNK, count - first))


def digests_of(bits: Bits) -> list[bytes]:
    """Hashes as bytes."""
    return [row.tobytes() for row in np.packbits(bits, axis=1)]


def keys_of(bits: Bits) -> NDArray[np.int64]:
    """The keys of many hashes at once, as `fingerprints.keys` has them one by one."""
    single = (fingerprints.keys((1 << 255 - place).to_bytes(32)) for place in range(SIDE * SIDE))
    weights = np.array(list(single), dtype=np.float64)
    zero = np.array(fingerprints.keys(bytes(32)), dtype=np.float64)
    return (bits @ (weights - zero) + zero).astype(np.int64)


def copy_of(bits: Bits, flips: int, dice: np.random.Generator) -> Bits:
    """A hash in which so many bits differ, half of them in one quarter of the picture."""
    changed = bits.reshape(SIDE, SIDE).copy()
    top, left = dice.integers(0, 2, 2) * SIDE // 2
    quarter = [(row, column) for row in range(top, top + 8) for column in range(left, left + 8)]
    everywhere = [(row, column) for row in range(SIDE) for column in range(SIDE)]
    for places, count in ((quarter, flips // 2), (everywhere, flips - flips // 2)):
        for number in dice.choice(len(places), count, replace=False):
            changed[places[number]] ^= 1
    return changed.reshape(-1)


def shares(found: Iterable[bool]) -> float:
    """The share of those that are true."""
    values = list(found)
    return sum(values) / max(1, len(values))
