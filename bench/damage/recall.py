"""How many files with zeroed parts are found: failed as truncated or corrupt, or measured and suspect."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.damage.kinds import DAMAGES, HOLE_BYTES, Kind, files
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Depth
from retailpulse.measure import measure_body

MAX_PIXELS = 250_000_000


@dataclass(kw_only=True, slots=True)
class Recall:
    """What was found in the files of a kind, by the way they were damaged; `wrongly` counts whole files."""

    kind: Kind
    found: Counter[str] = field(default_factory=Counter)
    damaged: Counter[str] = field(default_factory=Counter)
    wrongly: int = 0
    whole: int = 0

    @property
    def least(self) -> float:
        """The share that was found of the way of damage that was found least."""
        return min(self.found[name] / self.damaged[name] for name in DAMAGES)


def measure(kind: Kind, sizes: Sequence[tuple[int, int]], times: int) -> Recall:
    """Damage each file of a kind `times` times in each way."""
    recall = Recall(kind=kind)
    for number, body in enumerate(files(kind, tuple(sizes))):
        if len(body) < 3 * HOLE_BYTES:  # most of its header would be in the hole
            continue
        recall.whole += 1
        recall.wrongly += is_found(body)
        for name, damage in DAMAGES.items():
            for turn in range(1 if name == "the last 4 kB" else times):
                dice = random.Random(f"{kind.name} {number} {name} {turn}")
                recall.damaged[name] += 1
                recall.found[name] += is_found(damage(body, dice))
    return recall


def is_found(body: bytes) -> bool:
    """Whether a file is not measured without a word."""
    try:
        return measure_body(body, Depth.DECODE, MAX_PIXELS).suspect is not None
    except ImageError:
        return True


def row(recall: Recall) -> str:
    """A row of the table, in Markdown."""
    shares = [f"{recall.found[name]} of {recall.damaged[name]}" for name in DAMAGES]
    wanted = "99%" if recall.kind.is_wanted else "-"
    cells = [recall.kind.name, *shares, f"{recall.wrongly} of {recall.whole}", f"{recall.least:.1%}", wanted]
    return f"| {' | '.join(cells)} |"


HEAD = f"| kind | {' | '.join(DAMAGES)} | whole ones | found at least | wanted |\n|---|{'---:|' * 6}"
