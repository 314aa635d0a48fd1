"""A job: what is submitted, and the states it goes through.

ongoing --(last image settled)--> completed   no image failed
                              '-> failed      some image failed
ongoing --(cancel)-------------> cancelled
failed, ongoing --(retry)------> ongoing      what failed is unsettled again
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from retailpulse.domain.credentials import Credential
from retailpulse.domain.images import Depth


class JobStatus(StrEnum):
    """The state of a job."""

    ONGOING = "ongoing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Visit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One visit to a store, as it was submitted; `visited_at` is None if the text is no time.

    `extra` is what its sender wants back with each of its images, a JSON object.
    """

    store_id: str
    visit_time: str
    visited_at: datetime | None
    image_urls: tuple[str, ...]
    extra: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Idempotency:
    """A client's key for one submit, and the SHA-256 of the request: the same twice is one job."""

    key: str
    request_sha256: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class JobOptions:
    """What a client says of a job beside its visits. Higher priority goes first.

    `credentials` are by host, for photos that are private.
    """

    depth: Depth
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    priority: int = 0
    callback_url: str | None = None
    credentials: Mapping[str, Credential] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A job that was accepted but is not stored yet."""

    visits: tuple[Visit, ...]
    options: JobOptions
    idempotency: Idempotency | None = None

    @property
    def image_count(self) -> int:
        """How many images all visits hold together."""
        return sum(len(visit.image_urls) for visit in self.visits)

    @property
    def visits_without_time(self) -> int:
        """How many visits have a time that names no instant."""
        return sum(visit.visited_at is None for visit in self.visits)


class PendingImage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An image to fetch: not settled yet, and the first of its job with its URL.

    Numbers start at 1, in the order of the submit. `earlier` counts the results that retries took back.
    """

    image_no: int
    image_url: str
    earlier: int = 0
