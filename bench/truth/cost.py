"""What analyzers and thumbnails cost beside the decode of a JPEG: CPU time of this process, in turns."""

import io
from collections.abc import Iterator
from statistics import median
from time import process_time

from PIL import Image

from bench.truth.photos import drawn
from bench.truth.recall import MAX_PIXELS
from retailpulse.analyze import ask, registry
from retailpulse.analyze.thumbnail import draw
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.measure.body import decode_body
from retailpulse.measure.thumbnails import MOST_BYTES

HEAD = """\
| analyzer | pixels | CPU time | share of the decode |
|---|---:|---:|---:|"""


def rows(width: int, height: int, turns: int) -> Iterator[str]:
    """Rows of the table, in Markdown: the decode, each analyzer, all but `damage`, each thumbnail."""
    (photo,) = drawn(1)
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2026:11:20 10:30:05", 0x9011: "+05:30"}
    photo.resize((width, height), Image.Resampling.LANCZOS).save(file, "JPEG", quality=85, exif=exif)
    spent: dict[str, list[float]] = {"decode": [], **{analyzer.name: [] for analyzer in registry.ALL}}
    drawn_for: dict[str, list[float]] = {f"{kind} picture": [] for kind in ThumbnailKind}
    sizes: dict[str, str] = {}
    for _ in range(turns + 1):
        at = process_time()
        header, picture = decode_body(file.getvalue(), MAX_PIXELS)
        spent["decode"].append(process_time() - at)
        for analyzer in registry.ALL:
            at = process_time()
            ask(analyzer, picture, header)
            spent[analyzer.name].append(process_time() - at)
        for kind in ThumbnailKind:
            at = process_time()
            jpeg = draw(kind, picture, header, MOST_BYTES[kind]) or b""
            drawn_for[f"{kind} picture"].append(process_time() - at)
            sizes[f"{kind} picture"] = f", {len(jpeg):,} bytes"
    medians = {name: median(times[1:]) for name, times in spent.items()}  # the first turn loads libraries
    together = sum(medians.values()) - medians["decode"] - medians["damage"]
    thumbnails = {name: median(times[1:]) for name, times in drawn_for.items()}
    for name, seconds in (medians | {"all but damage": together} | thumbnails).items():
        share = "" if name == "decode" else f"{seconds / medians['decode']:.1%}{sizes.get(name, '')}"
        yield f"| {name} | {width * height / 1e6:.1f} MP | {seconds * 1e3:.2f} ms | {share} |"
