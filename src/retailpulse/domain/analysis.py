"""What an analyzer found in a picture: facts with its name and version, or the reason why there are none.

An analysis may come from a compromised process, so everything in it is bounded.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

MAX_FACTS = 16
MAX_TEXT = 300
MAX_REASON = 120

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
