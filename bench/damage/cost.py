"""What looking for damage costs beside decoding: CPU time of this process, in turns.

Decoding is all that depth `decode` does before an analyzer is asked; the search is the analyzer `damage`.
"""

from statistics import median
from time import process_time

from bench.damage.kinds import QUALITIES, Kind, draw
from bench.damage.recall import MAX_PIXELS
from retailpulse.analyze import ask, damage
from retailpulse.measure.body import decode_body

QUALITY = QUALITIES[2]
STRENGTH = 0.1
HEAD = """\
| kind | pixels | file | decode | search | search / decode | min-max |
|---|---:|---:|---:|---:|---:|---:|"""


def row(kind: Kind, width: int, height: int, turns: int) -> str:
    """A row of the table, in Markdown: medians, and how far the ratios of single turns are apart."""
    body = kind.encode(draw(width, height, STRENGTH), QUALITY)
    decoding, searching = [], []
    for _ in range(turns + 1):
        began = process_time()
        header, picture = decode_body(body, MAX_PIXELS)
        decoded = process_time()
        assert ask(damage.ANALYZER, picture, header).facts == {"suspect": None}
        searching.append(process_time() - decoded)
        decoding.append(decoded - began)
    decoding, searching = decoding[1:], searching[1:]  # the first turn loads libraries
    ratios = [search / decode for search, decode in zip(searching, decoding, strict=True)]
    cells = [
        kind.name,
        f"{width * height / 1e6:.1f} MP",
        f"{len(body) / 1e6:.2f} MB",
        f"{median(decoding) * 1e3:.1f} ms",
        f"{median(searching) * 1e3:.2f} ms",
        f"{median(ratios):.1%}",
        f"{min(ratios):.1%}-{max(ratios):.1%}",
    ]
    return f"| {' | '.join(cells)} |"
