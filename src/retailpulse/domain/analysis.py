"""What an analyzer found in a picture: facts with its name and version, or the reason why there are none.

An analysis may come from a compromised process, so everything in it is bounded. Which versions looked at a
photo is one number, that of its result.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

MAX_FACTS = 16
MAX_TEXT = 300
MAX_REASON = 120
SLOTS = {"damage": 0, "sharpness": 1, "exposure": 2, "capture": 3, "fingerprint": 4, "thumbnail": 5}
"""Where the version of each analyzer stands in the number of a result; no slot is ever given to another."""
SLOT_BITS = 6
MAX_VERSION = (1 << SLOT_BITS) - 1

FactName = Annotated[str, Meta(max_length=40)]
Fact = (
    bool
    | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    | Annotated[float, Meta(ge=-1e300, le=1e300)]  # neither infinite nor NaN, which JSON does not know
    | Annotated[str, Meta(max_length=MAX_TEXT, pattern=r"\A[^\x00]*\Z")]  # PostgreSQL stores no NUL
    | None
)
Facts = Annotated[dict[FactName, Fact], Meta(max_length=MAX_FACTS)]


class Analysis(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one analyzer said of one picture.

    `facts` are absent if it failed, and `reason` says why: for operators, not for clients.
    """

    analyzer: Annotated[str, Meta(max_length=32)]
    version: Annotated[int, Meta(ge=1, lt=2**31)]
    facts: Facts | None = None
    reason: Annotated[str, Meta(max_length=MAX_REASON)] | None = None


def pack_versions(versions: Mapping[str, int]) -> int | None:
    """The versions of analyzers, by their names, as one number; None if there is none of them."""
    number = 0
    for name, version in versions.items():
        if name in SLOTS:
            number |= min(version, MAX_VERSION) << SLOTS[name] * SLOT_BITS
    return number or None


def unpack_version(packed: int | None, name: str) -> int:
    """The version of an analyzer in such a number; 0 if it is not in it."""
    return (packed or 0) >> SLOTS[name] * SLOT_BITS & MAX_VERSION if name in SLOTS else 0


def newest_versions(packed: int | None, other: int | None) -> int | None:
    """The higher version of each analyzer in two such numbers."""
    names = SLOTS
    return pack_versions(
        {name: max(unpack_version(packed, name), unpack_version(other, name)) for name in names}
    )
