"""What a trick is: how an address behaves, and what a careful client concludes. They are in `catalogue`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from retailpulse.domain.images import Cause, Outcome
from tests.hostile.http2 import Http2Play
from tests.hostile.stage import Line, Visit

MEASURED: Literal[Outcome.MEASURED] = Outcome.MEASURED

Expected = Cause | Literal[Outcome.MEASURED]
Answer = Callable[[Visit], Awaitable[None]]
Greeting = Callable[[Line], Awaitable[None]]


class Door(Enum):
    """What stands at a trick's address."""

    HTTP = auto()
    TLS = auto()
    TLS_PORT = auto()  # where clients expect TLS, there is none
    CLOSED = auto()  # nothing listens
    DEAF = auto()  # something listens and never accepts


class Certificate(Enum):
    """What a TLS server shows for itself."""

    GOOD = auto()
    EXPIRED = auto()
    WRONG_NAME = auto()
    SELF_SIGNED = auto()


@dataclass(frozen=True, kw_only=True)
class Trick:
    """One way to behave, at an address of its own.

    One of `answer`, `greet` and `http2` plays it: per request, per connection before any request is read, or
    by frames. `detail` is a part of the text that goes with the cause. `of_head` is what a client concludes
    that reads only the first kilobytes by Range requests, where that is something else.
    """

    name: str
    about: str
    expected: Expected = MEASURED
    detail: str = ""
    of_head: Expected | None = None
    door: Door = Door.HTTP
    certificate: Certificate = Certificate.GOOD
    answer: Answer | None = None
    greet: Greeting | None = None
    http2: Http2Play | None = None
    waits: bool = False  # only a limit of time ends it
    heavy: bool = False  # costs its client seconds and hundreds of megabytes

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong with it at all."""
        return self.name.startswith("good-")

    @property
    def scheme(self) -> str:
        """The scheme of its URLs."""
        return "https" if self.door in (Door.TLS, Door.TLS_PORT) else "http"
