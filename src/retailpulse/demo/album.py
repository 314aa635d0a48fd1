"""Which photos of the demo are drawn one by one: their scenes, formats, sizes and turns, as phones make them.

Sizes are those of stored pixels; `orientation` is what EXIF asks viewers to apply. Drawing them is `photos`',
what becomes of bad ones `mishaps`'; the many others are put together by `gondolas`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image

from retailpulse.demo.exif import Capture
from retailpulse.demo.mishaps import bare_wall, blurred, cropped, darkened, screenshot, washed_out
from retailpulse.demo.scenes import Scene, aisle, fridge, promotion, shelf
from retailpulse.domain.images import Format


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """One file: `zoom` 1 shows its whole scene as far as the shape allows, 2 a quarter of it.

    `mishap` is what befalls the picture of size `framed` before it is written: that of the file if None.
    Without `capture` it has no EXIF data, as photos that went through a messenger.
    """

    name: str
    format: Format
    width: int
    height: int
    scene: Scene
    seed: int
    orientation: int = 1
    zoom: float = 1.0
    quality: int = 85
    framed: tuple[int, int] | None = None
    mishap: Callable[[Image.Image], Image.Image] | None = None
    capture: Capture | None = None

    @property
    def displayed(self) -> tuple[int, int]:
        """Width and height as a viewer shows them."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)

    @property
    def perimeter(self) -> int:
        """What the service is to answer for this photo."""
        return 2 * (self.width + self.height)


def _photo(scene: Scene, seed: int, name: str, width: int, height: int, orientation: int = 1) -> Photo:
    kind = name.rpartition(".")[2]
    return Photo(
        name=name,
        format=Format.JPEG if kind == "jpg" else Format(kind),
        width=width,
        height=height,
        scene=scene,
        seed=seed,
        orientation=orientation,
    )


ALBUM: tuple[Photo, ...] = (
    _photo(aisle, 8, "aisle-01.jpg", 4032, 3024),
    _photo(shelf, 7, "shelf-01.webp", 1600, 1200),
    _photo(shelf, 21, "shelf-02.jpg", 3264, 2448, 6),
    _photo(shelf, 5, "shelf-08.heic", 2016, 1512),
    _photo(shelf, 9, "shelf-03.jpg", 4032, 3024, 3),
    _photo(fridge, 11, "fridge-01.png", 1280, 960),
    _photo(shelf, 33, "shelf-11.jpg", 4032, 3024),
    _photo(shelf, 12, "shelf-04.avif", 1600, 1200),
    _photo(promotion, 10, "promotion-01.jpg", 3264, 2448),
    _photo(promotion, 14, "promotion-02.webp", 1440, 1080),
    _photo(shelf, 17, "shelf-13.jpg", 4032, 3024, 8),
    _photo(shelf, 15, "shelf-12.heic", 2016, 1512),
    _photo(shelf, 42, "shelf-05.jpg", 2560, 1920),
    _photo(shelf, 16, "shelf-06.png", 1080, 810),
    _photo(shelf, 19, "shelf-09.jpg", 1920, 1080),
    _photo(shelf, 23, "shelf-10.avif", 2016, 1512),
)
"""Good photos, each of a scene of its own: to a fingerprint, aisles, fridges and standing ones look alike."""

ORIGINALS: tuple[Photo, ...] = (
    _photo(shelf, 51, "shelf-07.jpg", 4000, 3000),
    _photo(promotion, 52, "promotion-03.jpg", 4032, 3024),
    _photo(fridge, 53, "fridge-02.jpg", 3264, 2448),
)
"""Good photos that are handed in once more by other stores."""

REENCODED = replace(ORIGINALS[0], name="sent-on.jpg", width=1600, height=1200, quality=50)
CROPPED = replace(
    ORIGINALS[1], name="cut-out.jpg", width=1424, height=1068, framed=(1600, 1200), mishap=cropped, quality=70
)
SCREENSHOT = replace(
    ORIGINALS[2],
    name="screenshot.png",
    format=Format.PNG,
    width=1080,
    height=2340,
    framed=(1080, 810),
    mishap=screenshot,
)
"""The same once more: as a messenger makes it, without its edges, and on the screen of a phone."""

BLURRED = replace(_photo(shelf, 61, "out-of-focus.jpg", 2592, 1944), mishap=blurred)
DARK = replace(_photo(shelf, 62, "lamp-off.jpg", 2048, 1536), mishap=darkened)
OVEREXPOSED = replace(_photo(promotion, 63, "into-the-sun.jpg", 2048, 1536), mishap=washed_out)
BLANK = _photo(bare_wall, 64, "wall.jpg", 2048, 1536)
"""Photos of which little or nothing is to be seen."""
