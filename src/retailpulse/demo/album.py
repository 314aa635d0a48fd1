"""Which photos the demo has: their scenes, formats, sizes and turns, as phones and tablets make them.

Sizes are those of stored pixels; `orientation` is what EXIF asks viewers to apply. Drawing them is `photos`'.
"""

from dataclasses import dataclass

from retailpulse.demo.scenes import Scene, aisle, fridge, promotion, shelf
from retailpulse.domain.images import Format


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """One file: `zoom` 1 shows its whole scene as far as the shape allows, 2 a quarter of it."""

    name: str
    format: Format
    width: int
    height: int
    orientation: int = 1
    zoom: float = 1.0
    taken_at: str = "2026:11:20 10:00:00"

    @property
    def displayed(self) -> tuple[int, int]:
        """Width and height as a viewer shows them."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)

    @property
    def perimeter(self) -> int:
        """What the service is to answer for this photo."""
        return 2 * (self.width + self.height)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """One scene, drawn once, and the photos that are made of it."""

    scene: Scene
    seed: int
    portrait: bool
    photos: tuple[Photo, ...]


def _jpeg(name: str, width: int, height: int, orientation: int = 1, zoom: float = 1.0) -> Photo:
    return Photo(
        name=f"{name}.jpg", format=Format.JPEG, width=width, height=height, orientation=orientation, zoom=zoom
    )


def _other(name: str, kind: Format, width: int, height: int, zoom: float = 1.0) -> Photo:
    return Photo(name=f"{name}.{kind}", format=kind, width=width, height=height, zoom=zoom)


ALBUM: tuple[Shot, ...] = (
    Shot(
        scene=aisle,
        seed=8,
        portrait=False,
        photos=(
            _jpeg("aisle-01", 4032, 3024),
            _jpeg("aisle-02", 2592, 1944, zoom=1.25),
            _other("aisle-03", Format.HEIC, 2016, 1512, zoom=1.1),
        ),
    ),
    Shot(
        scene=shelf,
        seed=7,
        portrait=False,
        photos=(
            _jpeg("shelf-01", 4032, 3024, orientation=3),
            _jpeg("shelf-02", 2048, 1536, zoom=1.5),
            _jpeg("shelf-03", 1920, 1080, zoom=1.2),
            _other("shelf-04", Format.WEBP, 1600, 1200, zoom=1.3),
        ),
    ),
    Shot(
        scene=shelf,
        seed=21,
        portrait=True,
        photos=(
            _jpeg("shelf-05", 3000, 4000),
            _jpeg("shelf-06", 3264, 2448, orientation=6, zoom=1.2),
            _other("shelf-07", Format.AVIF, 1200, 1600, zoom=1.4),
        ),
    ),
    Shot(
        scene=fridge,
        seed=9,
        portrait=False,
        photos=(
            _jpeg("fridge-01", 4000, 3000),
            _jpeg("fridge-02", 1600, 1200, zoom=1.4),
            _other("fridge-03", Format.PNG, 1280, 960, zoom=1.2),
        ),
    ),
    Shot(
        scene=fridge,
        seed=33,
        portrait=True,
        photos=(
            _jpeg("fridge-04", 4032, 3024, orientation=6),
            _jpeg("fridge-05", 1440, 1920, zoom=1.3),
            _other("fridge-06", Format.HEIC, 1512, 2016, zoom=1.1),
        ),
    ),
    Shot(
        scene=promotion,
        seed=10,
        portrait=False,
        photos=(
            _jpeg("promotion-01", 3264, 2448),
            _jpeg("promotion-02", 2048, 1536, zoom=1.15),
            _other("promotion-03", Format.WEBP, 1440, 1080, zoom=1.1),
        ),
    ),
    Shot(
        scene=aisle,
        seed=17,
        portrait=True,
        photos=(
            _jpeg("aisle-04", 4032, 3024, orientation=8),
            _jpeg("aisle-05", 1080, 1920, zoom=1.1),
            _other("aisle-06", Format.AVIF, 1512, 2016, zoom=1.1),
        ),
    ),
    Shot(
        scene=shelf,
        seed=42,
        portrait=False,
        photos=(
            _jpeg("shelf-08", 2560, 1920),
            _jpeg("shelf-09", 1280, 960, zoom=1.6),
            _other("shelf-10", Format.PNG, 1080, 810, zoom=1.9),
        ),
    ),
)
