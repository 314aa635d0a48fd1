"""A body on its way to its answer, through whatever queues and decoders it takes.

`pool` decides which decoder gets it; `handle` knows which one has it, and the result there.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.measure.process_pool.protocol import Answer

if TYPE_CHECKING:
    from retailpulse.measure.process_pool.handle import Decoder


@dataclass(slots=True, eq=False, kw_only=True)
class Job:
    """A body on its way to its answer.

    `file` holds what does not fit on a ring buffer; `is_alone` keeps it from sharing a decoder with others;
    `is_dear` has its decoder lowered from the start. `left_out` says by their places which analyzers a
    decoder has ended at, and how. `thumbnails` are what the decoder left, as it left it.
    """

    pieces: Sequence[bytes]
    size_bytes: int
    answer: asyncio.Future[Answer]
    is_big: bool = False
    is_alone: bool = False
    is_dear: bool = False
    file: int | None = None
    attempts: int = 0
    left_out: dict[int, str] = field(default_factory=dict)
    thumbnails: dict[ThumbnailKind, bytes] = field(default_factory=dict)
    decoder: "Decoder | None" = None

    @property
    def left_out_bits(self) -> int:
        """The analyzers to leave out, as a request names them."""
        return sum(1 << place for place in self.left_out) if self.left_out else 0

    def settle(self, answer: Answer) -> None:
        """Give the answer to the task that waits for it, if one does."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: BaseException) -> None:
        """Raise an error in the task that waits for it, if one does."""
        if not self.answer.done():
            self.answer.set_exception(error)
