"""What a profile of a running process is: which kind, of what, for how long."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST_SECONDS = 60
"""So long a profile goes on at most that is asked for over HTTP."""


class ProfileKind(StrEnum):
    """Where CPU time goes, or what memory is allocated for."""

    CPU = "cpu"
    MEMORY = "memory"


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """A picture of what a process did: SVG of its CPU time, an HTML page of its memory."""

    process: str
    kind: ProfileKind
    seconds: int
    content: bytes
    made_at: datetime

    @property
    def at(self) -> str:
        """When it was made, as a word for an address that is of this picture alone."""
        return f"{self.made_at.timestamp():.3f}"

    @property
    def media_type(self) -> str:
        """Of the picture."""
        return "image/svg+xml" if self.kind is ProfileKind.CPU else "text/html; charset=utf-8"

    @property
    def file_name(self) -> str:
        """How to call it as a file."""
        return f"{self.process}-{self.kind}.{'svg' if self.kind is ProfileKind.CPU else 'html'}"
