"""How many copies are found after each change of a photo, and how many other photos are taken for one.

Each photo is looked up after each change, among all photos as they were taken. Weak: distances of drawn
photos are not those of real ones, as they have flat colours.
"""

import io
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from bench.truth.recall import MAX_PIXELS
from bench.truth.reuse import CHANGES
from retailpulse.analyze import ask, fingerprint
from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import COPY_DISTANCE, SCENE_DISTANCE
from retailpulse.measure.body import decode_body

_Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[Any]]
LONGEST = 1600
"""Photos are reduced to this length, as changing those of 12 MP takes seconds each."""
QUALITY = 85
DIFFERENT = "of different names"


@dataclass(frozen=True, slots=True)
class _Photo:
    name: str
    data: bytes


@dataclass(slots=True)
class _Row:
    photos: int = 0
    copies: int = 0
    scenes: int = 0
    met: int = 0
    back: int = 0
    values: int = 0

    def add(self, earlier: bytes, later: bytes | None) -> None:
        """Counts a photo as it was taken, and what was made of it."""
        self.photos += 1
        if later is None:
            return
        least = fingerprints.closest(earlier, later)
        self.copies += least <= COPY_DISTANCE
        self.scenes += least <= SCENE_DISTANCE
        self.met += _meets(later, earlier)
        self.back += _meets(earlier, later)
        self.values += sum(len(values) for probe in fingerprints.probes(later) for values in probe.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Copies:
    """What was found of the first photos after each change, and how near different photos are.

    `pairs` has of each kind how many pairs there are, and how many are copies and scenes by their hashes.
    """

    photos: int
    without_fingerprint: int
    changed: Mapping[str, "_Row"]
    pairs: Mapping[str, Sequence[int]]
    near: Sequence[str]

    def share(self, change: str) -> float:
        """The share of changed photos that are copies of their originals."""
        return self.changed[change].copies / max(1, self.changed[change].photos)


def measure(photos: Iterable[tuple[str, Image.Image]], changed: int) -> Copies:
    """Changes the first photos in every way, and compares all with one another."""
    rows = {name: _Row() for name in CHANGES}
    taken: list[_Photo] = []
    passed = 0
    for number, (name, photo) in enumerate(photos):
        photo.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        data = fingerprint_of(photo)
        if data is None:
            passed += 1
            continue
        taken.append(_Photo(product_of(name), data))
        for change, row in rows.items() if len(taken) <= changed else ():
            row.add(data, fingerprint_of(CHANGES[change](photo, number)))
    pairs, near = _pairs(taken)
    return Copies(
        photos=len(taken) + passed, without_fingerprint=passed, changed=rows, pairs=pairs, near=near
    )


def tables(found: Copies) -> str:
    """Two tables in Markdown: what is found of the first photos, changed; and pairs of different photos."""
    changed = max((row.photos for row in found.changed.values()), default=0)
    lines = [
        f"| {changed} photos of {found.photos}, {found.without_fingerprint} without a fingerprint "
        f"| <= {COPY_DISTANCE} | <= {SCENE_DISTANCE} | found by keys | taken later | values |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for change, row in found.changed.items():
        shares = [
            f"{count / max(1, row.photos):.3f}" for count in (row.copies, row.scenes, row.met, row.back)
        ]
        lines.append(f"| {change} | {' | '.join(shares)} | {row.values / max(1, row.photos):.0f} |")
    lines += [
        "",
        f"| lookups of different photos | pairs | <= {COPY_DISTANCE} | <= {SCENE_DISTANCE} |",
        "|---|---:|---:|---:|",
        *(f"| {kind} | {' | '.join(map(str, counts))} |" for kind, counts in found.pairs.items()),
    ]
    return "\n".join([*lines, *found.near])


def product_of(name: str) -> str:
    """The name of a photo without its number."""
    return re.sub(r"[\W\d_]+$", "", name)


def _meets(asking: bytes, stored: bytes) -> bool:
    """Whether a lookup finds a row of another fingerprint, and takes it for the same scene at least."""
    kept = [(digest, fingerprints.keys(digest)) for digest in fingerprints.parse(stored)]
    return any(
        fingerprints.distance(probe.hash, digest) <= SCENE_DISTANCE
        and any(key in values for key, values in zip(keys, probe.values, strict=True))
        for probe in fingerprints.probes(asking)
        for digest, keys in kept
    )


def _pairs(taken: Sequence[_Photo]) -> tuple[Mapping[str, Sequence[int]], Sequence[str]]:
    """How near different photos are: those of one name but for its number, and those of different names."""
    counts = {"of one name": [0, 0, 0], DIFFERENT: [0, 0, 0]}
    near: list[str] = []
    if not taken:
        return counts, []
    rows, owners = bits_of([fingerprints.parse(each.data) for each in taken])
    for number, each in enumerate(taken):
        asked, _ = bits_of([[probe.hash for probe in fingerprints.probes(each.data)]])
        least = np.full(len(taken), 256.0)
        np.minimum.at(least, owners, ((256 - rows @ asked.T) / 2).min(axis=1))
        for other in range(len(taken)):
            if other == number:
                continue
            kind = "of one name" if taken[other].name == each.name else DIFFERENT
            counts[kind][0] += 1
            counts[kind][1] += least[other] <= COPY_DISTANCE
            counts[kind][2] += least[other] <= SCENE_DISTANCE
            if least[other] <= SCENE_DISTANCE and kind == DIFFERENT:
                near.append(f"{each.name} and {taken[other].name}: {least[other]:.0f}")
    return counts, near[:40]


def bits_of(groups: Sequence[Sequence[bytes]]) -> tuple[_Array, _Array]:
    """The hashes of all groups as rows of +1 and -1, and to which group each belongs."""
    digests = [np.frombuffer(digest, dtype=np.uint8) for group in groups for digest in group]
    owners = [place for place, group in enumerate(groups) for _ in group]
    return np.unpackbits(np.stack(digests), axis=1).astype(np.float32) * 2 - 1, np.array(owners)


def fingerprint_of(photo: Image.Image) -> bytes | None:
    """The fingerprint of a photo as JPEG; None if it has none."""
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=QUALITY)
    header, picture = decode_body(file.getvalue(), MAX_PIXELS)
    facts = ask(fingerprint.ANALYZER, picture, header).facts
    text = facts["fingerprint"] if facts else None
    return b64decode(text) if isinstance(text, str) else None
