"""How many photos of each kind of damage are flagged, and how many as they were taken."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Depth
from retailpulse.measure import measure_body

MAX_PIXELS = 250_000_000
QUALITY = 90


def _gauss(thousandths: float) -> Callable[[Image.Image], Image.Image]:
    return lambda photo: photo.filter(ImageFilter.GaussianBlur(thousandths * max(photo.size) / 1000))


def _motion(thousandths: float, axis: int) -> Callable[[Image.Image], Image.Image]:
    def move(photo: Image.Image) -> Image.Image:
        steps = max(1, round(thousandths * max(photo.size) / 1000))
        pixels = np.asarray(photo, dtype=np.float32)
        total = np.zeros_like(pixels)
        for step in range(steps):
            total += np.roll(pixels, step, axis=axis)
        return Image.fromarray((total / steps).astype(np.uint8))

    return move


def _stops(stops: int) -> Callable[[Image.Image], Image.Image]:
    table = [min(255, int(value * 2.0**stops)) for value in range(256)]
    return lambda photo: photo.point(table * len(photo.getbands()))


def _wall(level: int, grain: float) -> Callable[[Image.Image], Image.Image]:
    def replace(photo: Image.Image) -> Image.Image:
        dice = np.random.default_rng(photo.width)
        grey = dice.normal(level, grain, (photo.height, photo.width)) + np.linspace(-8, 8, photo.width)
        return Image.fromarray(grey.clip(0, 255).astype(np.uint8))

    return replace


DAMAGES: dict[str, tuple[Callable[[Image.Image], Image.Image], Flag | None]] = {
    "as taken": (lambda photo: photo, None),
    "Gauss 1": (_gauss(1), Flag.BLURRED),
    "Gauss 2": (_gauss(2), Flag.BLURRED),
    "Gauss 4": (_gauss(4), Flag.BLURRED),
    "motion 4, sideways": (_motion(4, 1), Flag.BLURRED),
    "motion 8, sideways": (_motion(8, 1), Flag.BLURRED),
    "motion 8, upwards": (_motion(8, 0), Flag.BLURRED),
    "motion 16, sideways": (_motion(16, 1), Flag.BLURRED),
    "-4 stops": (_stops(-4), Flag.DARK),
    "-2 stops": (_stops(-2), Flag.DARK),
    "+2 stops": (_stops(2), Flag.OVEREXPOSED),
    "covered lens": (_wall(10, 3), Flag.BLANK),
    "plain wall": (_wall(160, 2), Flag.BLANK),
}
"""Each with the flag that it should raise; blur in thousandths of the longer side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recall:
    """How many photos there were, and of each damage how many had each flag."""

    photos: int
    flagged: Mapping[str, Counter[str]]

    def share(self, damage: str, flag: Flag) -> float:
        """The share of the photos with a damage that had a flag."""
        return self.flagged[damage][flag] / max(1, self.photos)


def measure(photos: Iterable[Image.Image]) -> Recall:
    """Damages each photo in every way, and counts its flags."""
    found: dict[str, Counter[str]] = {name: Counter() for name in DAMAGES}
    count = 0
    for photo in photos:
        count += 1
        for name, (damage, _) in DAMAGES.items():
            found[name].update(_flags(damage(photo)))
    return Recall(photos=count, flagged=found)


def table(recall: Recall) -> str:
    """A table in Markdown: of each damage, the share that has each flag."""
    lines = [f"| {recall.photos} photos | wanted | {' | '.join(Flag)} |", f"|---|---|{'---:|' * len(Flag)}"]
    for name, (_, wanted) in DAMAGES.items():
        shares = [f"{recall.share(name, flag):.3f}" for flag in Flag]
        lines.append(f"| {name} | {wanted or 'none'} | {' | '.join(shares)} |")
    return "\n".join(lines)


def _flags(photo: Image.Image) -> list[str]:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=QUALITY)
    return measure_body(file.getvalue(), Depth.DECODE, MAX_PIXELS).flags
