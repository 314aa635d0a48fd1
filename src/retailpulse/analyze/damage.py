"""Damage in a picture that still decodes, as its decoder found or printed it.

What each format looks for in its coded data is in `measure.formats`. Weak: decoders of WebP, AVIF and HEIC
repair damage silently, so that in these only zeroed parts are found.
"""

import msgspec

from retailpulse.analyze.analyzer import Analyzer, Exif
from retailpulse.analyze.picture import Picture
from retailpulse.domain.images import Header


class Damage(msgspec.Struct, frozen=True):
    """What looks damaged, in a few words; None if nothing does."""

    suspect: str | None


def _find_damage(picture: Picture, header: Header, _exif: Exif) -> Damage:
    found = picture.damage()
    if found is None and picture.printed:
        found = f"the decoder says: {picture.printed}"
    return Damage(found or _other_size(picture.decoded_size(), header))


def _other_size(size: tuple[int, int] | None, header: Header) -> str | None:
    """What the decoder sees is the stored picture, or the displayed one if it crops and turns itself."""
    stored, displayed = (header.width, header.height), (header.displayed_width, header.displayed_height)
    if size is None or size in {stored, displayed}:
        return None
    return (
        f"it decodes to {size[0]} x {size[1]} pixels, where its header says {header.width} x {header.height}"
    )


ANALYZER = Analyzer(name="damage", version=2, facts=Damage, analyze=_find_damage)
