"""The parts of `--only truth` as figures, with what is wanted of them; `python -m bench.truth` has tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.case_runner import Bench
from bench.figures import Figure, Target, at_least, at_most
from bench.truth import copies, cost, recall, upright, whole_service
from bench.truth.photos import drawn, named, numbered, of_folder
from retailpulse.domain.flags import Flag

DRAWN = 12
"""Drawn photos that are damaged and changed: each takes seconds."""
MOST_OF_FOLDER = 1_000
CHANGED = 100
UPRIGHT = 60
TURNS = 25
_RECALL: Mapping[str, Target] = {
    "Gauss 2": at_least(0.95),
    "motion 8, sideways": at_least(0.9),
    "motion 8, upwards": at_least(0.9),
    "-4 stops": at_least(0.99),
    "covered lens": at_least(0.99),
    "plain wall": at_least(0.99),
}
_FALSE_ALARMS = {Flag.BLURRED: at_most(0.02), Flag.DARK: at_most(0.005), Flag.OVEREXPOSED: at_most(0.005)}
_NOT_WANTED = ("corner", "rotated", "brighter")
"""Changes that are told of, and not judged."""
_HARDER = ("screenshot", "cut evenly")
_COST = {12: at_most(0.1), 1: at_most(0.25)}
"""Of all analyzers over the decode, by megapixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TruthEnv:
    """What the parts are measured with: drawn photos, or those of a folder."""

    bench: Bench
    folder: Path | None


def _recall(env: TruthEnv) -> list[Figure]:
    env.bench.show("truth-recall: damaging photos", 0)
    photos = drawn(DRAWN) if env.folder is None else of_folder(env.folder, DRAWN, 0)
    found = recall.measure(photos)
    alarms = [
        Figure(
            case="truth-recall",
            about=f"as taken, {flag}",
            runs=[found.share("as taken", flag)],
            target=_FALSE_ALARMS.get(flag),
        )
        for flag in (Flag.BLURRED, Flag.SOFT, Flag.DARK, Flag.OVEREXPOSED, Flag.BLANK)
    ]
    hits = [
        Figure(
            case="truth-recall",
            about=f"{name}, {wanted}",
            runs=[found.share(name, wanted)],
            target=_RECALL.get(name),
        )
        for name, (_, wanted) in recall.DAMAGES.items()
        if wanted is not None
    ]
    return alarms + hits


def _copies(env: TruthEnv) -> list[Figure]:
    env.bench.show("truth-copies: changing photos", 0)
    photos = numbered(DRAWN) if env.folder is None else named(env.folder, MOST_OF_FOLDER, 0)
    found = copies.measure(photos, CHANGED)
    shares = [
        Figure(case="truth-copies", about=change, runs=[found.share(change)], target=_wanted(change))
        for change in found.changed
    ]
    pairs, near, _ = found.pairs[copies.DIFFERENT]
    of_own = at_most(0) if env.folder is not None else None  # drawn scenes are seen from one place
    return [
        *shares,
        Figure(case="truth-copies", about="pairs of different photos", runs=[pairs]),
        Figure(case="truth-copies", about="of them taken for copies", runs=[near], target=of_own),
    ]


def _wanted(change: str) -> Target | None:
    if any(word in change for word in _NOT_WANTED):
        return None
    return at_least(0.95 if change.startswith(_HARDER) else 0.99)


def _upright(env: TruthEnv) -> list[Figure]:
    env.bench.show("truth-upright: comparing photos", 0)
    count = UPRIGHT if env.folder is None else MOST_OF_FOLDER
    return [
        Figure(case="truth-upright", about=f"{found.label}: {about}", runs=[pairs])
        for found in upright.measure(env.folder, count)
        for about, pairs in (
            ("pairs", found.pairs),
            ("copies", found.copies),
            ("copies on their side", found.copies_turned),
        )
    ]


def _cost(env: TruthEnv) -> list[Figure]:
    env.bench.show("truth-cost: decoding", 0)
    figures = []
    for file in cost.files(env.folder):
        found = cost.measure(file, TURNS)
        case = f"truth-cost, {found.megapixels:.1f} MP, {found.size_bytes / 1e6:.2f} MB"
        for name in found.seconds:
            if name != cost.DECODE:
                wanted = _COST.get(int(found.megapixels)) if name == cost.TOGETHER else None
                figures.append(Figure(case=case, about=name, runs=[found.share(name)], target=wanted))
    return figures


TRUTH: Mapping[str, Callable[[TruthEnv], list[Figure]]] = {
    "truth-recall": _recall,
    "truth-copies": _copies,
    "truth-upright": _upright,
    "truth-cost": _cost,
    "truth-service": lambda env: whole_service.measure(env.bench),
}
