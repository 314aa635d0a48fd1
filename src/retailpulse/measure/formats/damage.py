"""Looking through a body for damage that its decoder passed: within the work that one file may take.

What damage is in a format is its own module's to say.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from retailpulse.domain.errors import ImageError
from retailpulse.measure.formats.work import Work

FindDamage: TypeAlias = Callable[[bytes, Any, Work], str | None]
"""What looks damaged in a whole body of that Size, in a few words; None if nothing does.

May raise ImageError if the body breaks a rule that the decoder did not mind.
"""


def find_nothing(_body: bytes, _size: Any, _work: Work) -> str | None:
    """For formats whose decoders miss nothing."""
    return None


def damage_of(body: bytes, size: Any, find_damage: FindDamage) -> str | None:
    """What looks damaged in a body that decoded; a broken rule is damage too."""
    try:
        return find_damage(body, size, Work())
    except ImageError as error:
        return error.detail
