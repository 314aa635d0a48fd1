"""Damage in a picture that still decodes, as its decoder found or printed it.

Nothing is computed but the checksums of a PNG. Weak: it knows what decoders report; those of WebP, AVIF and
HEIC repair damage silently or fail.
"""

import msgspec

from retailpulse.analyze.analyzer import Analyzer, Exif
from retailpulse.analyze.picture import Picture
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
