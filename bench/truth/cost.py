"""What analyzers and thumbnails cost beside the decode of a JPEG: CPU time of this process, in turns."""

import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import TypeVar

from PIL import Image

from bench.cases import LARGE, MEDIUM
from bench.photos import draw_photo
from bench.truth.photos import drawn
from bench.truth.recall import MAX_PIXELS
from retailpulse.analyze import ask, damage, registry
from retailpulse.analyze.thumbnail import draw
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.measure.body import decode_body
from retailpulse.measure.thumbnails import MOST_BYTES

T = TypeVar("T")
HEAD = """\
| analyzer | photo | CPU time | share of the decode |
|---|---:|---:|---:|"""


SIZES = ((4032, 3024), (1280, 960))
MOST_OF_FOLDER = 5
DECODE, TOGETHER = "decode", "all but damage"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """The CPU time of each thing that was done to a photo, in seconds, and the bytes of what was drawn."""

    size_bytes: int
    megapixels: float
    seconds: Mapping[str, float]
    drawn_bytes: Mapping[str, int]

    def share(self, name: str) -> float:
        """The cost of a thing over that of the decode."""
        return self.seconds[name] / self.seconds[DECODE]

    def rows(self) -> Iterator[str]:
        """Rows of the table, in Markdown."""
        for name, seconds in self.seconds.items():
            size = f", {self.drawn_bytes[name]:,} bytes" if name in self.drawn_bytes else ""
            share = "" if name == DECODE else f"{self.share(name):.1%}{size}"
            photo = f"{self.megapixels:.1f} MP, {self.size_bytes / 1e6:.2f} MB"
            yield f"| {name} | {photo} | {seconds * 1e3:.2f} ms | {share} |"


def measure(body: bytes, turns: int) -> Cost:
    """What a file costs: the decode, each analyzer, all but `damage` together, each picture for people."""
    spent: dict[str, list[float]] = defaultdict(list)
    drawn_bytes: dict[str, int] = {}
    for _ in range(turns + 1):
        header, picture = _timed(spent[DECODE], partial(decode_body, body, MAX_PIXELS))
        for analyzer in registry.ALL:
            _timed(spent[analyzer.name], partial(ask, analyzer, picture, header))
        for kind in ThumbnailKind:
            name = f"{kind} picture"
            jpeg = _timed(spent[name], partial(draw, kind, picture, header, MOST_BYTES[kind]))
            drawn_bytes[name] = len(jpeg or b"")
    seconds = {name: median(times[1:]) for name, times in spent.items()}  # the first turn loads libraries
    judged = [analyzer.name for analyzer in registry.ALL if analyzer is not damage.ANALYZER]
    together = {TOGETHER: sum(seconds[name] for name in judged)}
    pixels = header.width * header.height
    return Cost(
        size_bytes=len(body), megapixels=pixels / 1e6, seconds=seconds | together, drawn_bytes=drawn_bytes
    )


def files(folder: Path | None) -> Iterator[bytes]:
    """Drawn JPEGs of two sizes, sharp ones and those of the other cases; or some of a folder."""
    if folder is not None:
        jpegs = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in {".jpg", ".jpeg"})
        yield from (path.read_bytes() for path in islice(jpegs, MOST_OF_FOLDER))
        return
    yield from (_drawn_file(*size) for size in SIZES)
    with TemporaryDirectory() as scratch:
        for photo in (LARGE, MEDIUM):
            draw_photo(photo, Path(scratch))
            yield (Path(scratch) / photo.file_name).read_bytes()


def _drawn_file(width: int, height: int) -> bytes:
    """A JPEG of a drawn photo with a time in its EXIF data."""
    (photo,) = drawn(1)
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2026:11:20 10:30:05", 0x9011: "+05:30"}
    photo.resize((width, height), Image.Resampling.LANCZOS).save(file, "JPEG", quality=85, exif=exif)
    return file.getvalue()


def _timed(times: list[float], do: Callable[[], T]) -> T:
    began = process_time()
    done = do()
    times.append(process_time() - began)
    return done
