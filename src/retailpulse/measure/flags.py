"""Flags: what the numbers of a picture say about it, by the thresholds of the settings.

They are told in the worker, not in the process that saw the picture: numbers are kept, so that thresholds can
be chosen by them afterwards.
"""

from collections.abc import Iterator

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.flags import Flag
from retailpulse.schema import ImageFacts

_FAINT_MEAN, _FAINT_TOP = 38, 170
"""Under both, a picture is dark although some of it is not."""
_PALE_BOTTOM, _PALE_MIDDLE, _PALE_BLOWN = 200, 225, 0.2
"""A picture is overexposed if hardly anything in it is darker than the first, or half of it is as bright as
the second with a share blown out."""
_LEAST_CONTRAST = 24
"""Under this, from the darkest 2% to the brightest 2%, there is nothing to be seen."""


def flags_of(facts: ImageFacts, thresholds: MeasureSettings) -> list[str]:
    """What a picture is flagged for; a number that is not known raises no flag."""
    return list(_flags(facts, thresholds))


def _flags(facts: ImageFacts, thresholds: MeasureSettings) -> Iterator[Flag]:
    is_blank = _is_blank(facts, thresholds)
    if facts.sharpness is not None and not is_blank:
        if facts.sharpness < thresholds.blurred_below:
            yield Flag.BLURRED
        elif facts.sharpness < thresholds.soft_below:
            yield Flag.SOFT
    if _is_dark(facts, thresholds):
        yield Flag.DARK
    if _is_overexposed(facts, thresholds):
        yield Flag.OVEREXPOSED
    if is_blank:
        yield Flag.BLANK


def _is_dark(facts: ImageFacts, thresholds: MeasureSettings) -> bool:
    mean, bright, top = facts.brightness, facts.brightness_p95, facts.brightness_p99
    if mean is None or bright is None or top is None:
        return False
    return bright < thresholds.dark_below or (mean < _FAINT_MEAN and top < _FAINT_TOP)


def _is_overexposed(facts: ImageFacts, thresholds: MeasureSettings) -> bool:
    blown, low, middle = facts.blown, facts.brightness_p5, facts.brightness_p50
    if blown is None or low is None or middle is None:
        return False
    return (
        blown > thresholds.overexposed_above
        or low > _PALE_BOTTOM
        or (middle >= _PALE_MIDDLE and blown > _PALE_BLOWN)
    )


def _is_blank(facts: ImageFacts, thresholds: MeasureSettings) -> bool:
    if facts.contrast is not None and facts.contrast < _LEAST_CONTRAST:
        return True
    return facts.content is not None and facts.content < thresholds.blank_below
