"""What each analyzer costs beside the decode of a JPEG: CPU time of this process, in turns."""

import io
from collections.abc import Iterator
from statistics import median
from time import process_time

from PIL import Image

from bench.truth.photos import drawn
from bench.truth.recall import MAX_PIXELS
from retailpulse.analyze import ask, registry
from retailpulse.measure.body import decode_body

HEAD = """\
| analyzer | pixels | CPU time | share of the decode |
|---|---:|---:|---:|"""


def rows(width: int, height: int, turns: int) -> Iterator[str]:
    """Rows of the table, in Markdown: the decode, each analyzer by itself, and all but `damage`."""
    (photo,) = drawn(1)
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2026:11:20 10:30:05", 0x9011: "+05:30"}
    photo.resize((width, height), Image.Resampling.LANCZOS).save(file, "JPEG", quality=85, exif=exif)
    spent: dict[str, list[float]] = {"decode": [], **{analyzer.name: [] for analyzer in registry.ALL}}
    for _ in range(turns + 1):
        at = process_time()
        header, picture = decode_body(file.getvalue(), MAX_PIXELS)
        spent["decode"].append(process_time() - at)
        for analyzer in registry.ALL:
            at = process_time()
            ask(analyzer, picture, header)
            spent[analyzer.name].append(process_time() - at)
    medians = {name: median(times[1:]) for name, times in spent.items()}  # the first turn loads libraries
    together = sum(medians.values()) - medians["decode"] - medians["damage"]
    for name, seconds in (medians | {"all but damage": together}).items():
        share = "" if name == "decode" else f"{seconds / medians['decode']:.1%}"
        yield f"| {name} | {width * height / 1e6:.1f} MP | {seconds * 1e3:.2f} ms | {share} |"
