"""Damage in a picture that still decodes, as its decoder found or printed it.

Nothing is computed but the checksums of a PNG. Weak: it knows what decoders report; those of WebP, AVIF and
HEIC repair damage silently or fail.
"""

from collections.abc import Sequence

import msgspec

from retailpulse.analyze.analyzer import Analyzer, Exif
from retailpulse.analyze.picture import Picture
from retailpulse.domain.analysis import Analysis
from retailpulse.domain.images import Header


class Damage(msgspec.Struct, frozen=True):
    """What looks damaged, in a few words; None if nothing does."""

    suspect: str | None


def _find_damage(picture: Picture, _header: Header, _exif: Exif) -> Damage:
    found = picture.damage()
    if found is None and picture.printed:
        found = f"the decoder says: {picture.printed}"
    return Damage(found)


ANALYZER = Analyzer(name="damage", version=1, facts=Damage, analyze=_find_damage)


def suspect_in(analyses: Sequence[Analysis]) -> str | None:
    """What this analyzer found, among all analyses of a picture; None also if it did not run."""
    for analysis in analyses:
        if analysis.analyzer == ANALYZER.name and analysis.facts is not None:
            suspect = analysis.facts.get("suspect")
            return suspect if isinstance(suspect, str) else None
    return None
