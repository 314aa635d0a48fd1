"""Photo hosts, as all workers together know them."""

from typing import Annotated

from retailpulse.domain.hosts import BreakerState
from retailpulse.domain.times import Instant
from retailpulse.schema.record import Record, described


class HostRefusal(Record, frozen=True, kw_only=True):
    """The last time that a host refused a request, or failed."""

    cause: Annotated[str, described("As the cause of an image.", example="http_status")]
    detail: Annotated[str, described("What was seen.", example="HTTP 429")]
    at: Annotated[Instant, described("When, UTC.")]


class Host(Record, frozen=True, kw_only=True):
    """A photo host as all workers together know it."""

    origin: Annotated[
        str,
        described(
            "Scheme, host and port; `(many hosts)` stands for all those with a few images each, "
            "`(quarantine)` for images that are tried alone, each in a process of its own.",
            example="https://photos.example:443",
        ),
    ]
    cap: Annotated[
        int | None,
        described("Most requests at once, of all workers together; null: for those in brackets."),
    ]
    in_flight: Annotated[int, described("Requests under way, as workers last said.", example=16)]
    leased: Annotated[int, described("Of the cap, what workers hold now.", example=16)]
    waiting: Annotated[int, described("Images that no worker has taken yet.", example=4_880)]
    waiting_jobs: Annotated[int, described("How many jobs these are of.", example=2)]
    counted_all: Annotated[
        bool, described("False: more wait than `waiting` and `waiting_jobs` say, they are the least.")
    ] = True
    taken: Annotated[
        int, described("Images that workers have: in flight, about to be, or between two tries.")
    ]
    latency_seconds: Annotated[
        float | None, described("What a request usually takes; null: not known.", example=0.21)
    ] = None
    rate_per_second: Annotated[
        float | None, described("The pace that it is held to, in requests a second; null: none.")
    ] = None
    breaker: Annotated[
        str,
        described(
            "Its circuit breaker: `closed`, asked as usual; `open`, left alone, as it only "
            "failed; `half_open`, one request finds out whether it answers again.",
            words=BreakerState,
        ),
    ]
    rest_seconds: Annotated[float, described("For how long no request may begin; 0: it may.")] = 0.0
    failed_probes: Annotated[int, described("Tries in vain since the breaker opened.", example=0)] = 0
    last_refusal: Annotated[HostRefusal | None, described("The last one; null: none is known.")] = None
