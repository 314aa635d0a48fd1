"""A strategy for damaged bodies: a picture of some flavour, damaged once or twice in named ways."""

import random
import re
from dataclasses import dataclass
from functools import cached_property

from hypothesis import strategies as st

from tests.measure.damage import DAMAGES
from tests.measure.pictures import FLAVOURS

_DAMAGES = {damage.__name__: damage for damage in DAMAGES}


@dataclass(frozen=True)
class Damaged:
    """A damaged body, named by all that is needed to make it again."""

    flavour: str
    damages: tuple[str, ...]
    seed: int

    @cached_property
    def body(self) -> bytes:
        dice = random.Random(self.seed)
        body = FLAVOURS[self.flavour].body
        for name in self.damages:
            body = _DAMAGES[name](body, dice) if body else body
        return body

    @property
    def name(self) -> str:
        return re.sub(r"\W+", "-", f"{self.flavour} {' '.join(self.damages)} {self.seed}")


DAMAGED = st.builds(
    Damaged,
    flavour=st.sampled_from(list(FLAVOURS)),
    damages=st.lists(st.sampled_from(list(_DAMAGES)), min_size=1, max_size=2).map(tuple),
    seed=st.integers(0, 2**32 - 1),
)
