"""Every metric with its name, its kind, its labels and its meaning; nothing else is exported.

The values of all labels are ours, never a client's, so that the number of series is bounded.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A metric; `name` is without the suffix that its kind adds, `bounds` are those of its buckets.

    `from_start` are the values of its labels that are exported from the start, at 0: a rate needs the value
    before the first event.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    from_start: tuple[tuple[str, ...], ...] = ()

    @property
    def full_name(self) -> str:
        """The name as it is asked for: counters end in `_total`."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_OF_REQUESTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_TURNS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)

IMAGES_SETTLED = Metric(
    name="retailpulse_images_settled",
    kind="counter",
    labels=("outcome", "cause", "depth"),
    meaning="Images that got a result, `cause` empty for measured ones; one that is retried counts again.",
)
FETCHED_BYTES = Metric(
    name="retailpulse_fetched_bytes",
    kind="counter",
    meaning="Bytes of HTTP bodies received from origins, also by tries that failed.",
)
QUEUE_WAIT = Metric(
    name="retailpulse_queue_wait_seconds",
    kind="histogram",
    bounds=_SLOW,
    meaning="How long jobs waited for a worker to take their first image, since the submit, in seconds.",
)
TRANSFER = Metric(
    name="retailpulse_transfer_seconds",
    kind="histogram",
    bounds=_QUICK,
    meaning="How long HTTP requests to origins took, from the dialling to the last byte, in seconds.",
)
DECODE = Metric(
    name="retailpulse_decode_seconds",
    kind="histogram",
    bounds=_QUICK,
    meaning="How long bodies took to be decoded, the wait for a decoder included, in seconds.",
)
SETTLE = Metric(
    name="retailpulse_settle_seconds",
    kind="histogram",
    bounds=_QUICK,
    meaning="How long batches of results took to be written, outages of the database included, in seconds.",
)
MATCHES = Metric(
    name="retailpulse_matches",
    kind="counter",
    labels=("kind",),
    meaning="Photos for which an earlier one was found: the same file (`same_file`), a copy (`copy`), or one "
    "of the same scene (`same_scene`).",
)
UNMATCHED_PHOTOS = Metric(
    name="retailpulse_unmatched_photos",
    kind="gauge",
    meaning="Measured photos for which earlier ones are still to be looked for; counting stops at 200,000.",
)
IMAGES_IN_HAND = Metric(
    name="retailpulse_images_in_hand",
    kind="gauge",
    labels=("stage",),
    meaning="Images that workers have, as last reported by each: `at_hosts` until their body is there, then "
    "`measuring`, then `unwritten`.",
)
DECODERS = Metric(
    name="retailpulse_decoders",
    kind="gauge",
    labels=("state",),
    meaning="Decoder processes, `busy` or `idle`, as last reported by each worker.",
)
PROCESS_MEMORY = Metric(
    name="retailpulse_process_memory_bytes",
    kind="gauge",
    labels=("process",),
    meaning="Memory of the processes that live, `api` or `worker`, less files and decoders, in bytes.",
)
EVENT_LOOP_LATE_TURNS = Metric(
    name="retailpulse_event_loop_late_turn_seconds",
    kind="histogram",
    labels=("process",),
    bounds=_TURNS,
    from_start=(("api",), ("worker",)),
    meaning="Turns of an event loop that took more than 0.05 s of CPU time, of an `api` or a `worker`; this "
    "time in seconds.",
)
CALLBACK_TRIES = Metric(
    name="retailpulse_callback_tries",
    kind="counter",
    labels=("result",),
    from_start=(("delivered",), ("failed",), ("given_up",)),
    meaning="Tries to deliver callbacks: `delivered`, `failed` ones that are made again, and failed ones "
    "after which the callback was `given_up`.",
)
OVERDUE_CALLBACK = Metric(
    name="retailpulse_overdue_callback_seconds",
    kind="gauge",
    meaning="How long the try of a callback that was due first has not begun, in seconds; 0: none is due.",
)
DATABASE_SIZE = Metric(
    name="retailpulse_database_size_bytes", kind="gauge", meaning="How large the database is, in bytes."
)
DATABASE_FREE = Metric(
    name="retailpulse_database_free_bytes",
    kind="gauge",
    meaning="How much the database can grow, in bytes: up to `RETAILPULSE_DATABASE_CAPACITY_BYTES`, and the "
    "embedded one as far as its disk is free; missing if neither is known.",
)
DATABASE_CONNECTIONS = Metric(
    name="retailpulse_database_connections",
    kind="gauge",
    meaning="Connections that the database server has open, to all of its databases.",
)
DATABASE_MAX_CONNECTIONS = Metric(
    name="retailpulse_database_max_connections",
    kind="gauge",
    meaning="Connections that the database server allows to others than superusers.",
)
TRANSFERS_IN_FLIGHT = Metric(
    name="retailpulse_transfers_in_flight",
    kind="gauge",
    meaning="HTTP requests to origins that run now, as last reported by each worker.",
)
UNSETTLED_IMAGES = Metric(
    name="retailpulse_unsettled_images", kind="gauge", meaning="Images that wait for a result."
)
WAITING_IMAGES = Metric(
    name="retailpulse_waiting_images",
    kind="gauge",
    meaning="Images that wait for a result and that no worker has taken yet.",
)
ONGOING_JOBS = Metric(name="retailpulse_ongoing_jobs", kind="gauge", meaning="Jobs that have not ended.")
OLDEST_PENDING = Metric(
    name="retailpulse_oldest_pending_job_seconds",
    kind="gauge",
    meaning="How long the oldest job waits for a worker to take its first image, in seconds; 0: none does.",
)
LEASED_SLOTS = Metric(
    name="retailpulse_leased_slots",
    kind="gauge",
    meaning="How many requests at once workers may have now, at all hosts together.",
)
OPEN_BREAKERS = Metric(
    name="retailpulse_open_breakers",
    kind="gauge",
    meaning="Photo hosts whose circuit breaker is not closed, of those that failed within the last hour.",
)
WORKERS_WANTED = Metric(
    name="retailpulse_workers_wanted",
    kind="gauge",
    meaning="Workers that would settle all that waits in time, if the hosts can feed them; 0: nothing waits.",
)
WORKERS_ALIVE = Metric(
    name="retailpulse_workers_alive",
    kind="gauge",
    meaning="Worker processes on all machines that have lately said that they are alive.",
)
STARTED = Metric(
    name="retailpulse_processes_started",
    kind="counter",
    labels=("process",),
    meaning="Processes that began to work: `api` or `worker`.",
)
CRASHES = Metric(
    name="retailpulse_crashes",
    kind="counter",
    labels=("process",),
    meaning="Processes that ended without saying goodbye: `api` or `worker`, a `decoder` at its work, or one "
    "that tried an image alone, in `quarantine`.",
)
REPLACED_FOR = ("crashed", "stalled")
REPLACED = Metric(
    name="retailpulse_workers_replaced",
    kind="counter",
    labels=("reason",),
    meaning="Workers that `serve` replaced: `crashed` ones ended by a signal or an error, those whose event "
    "loop stalled (`stalled`) were killed by it.",
)
HTTP_REQUESTS = Metric(
    name="retailpulse_http_requests",
    kind="counter",
    labels=("route", "method", "status"),
    meaning="HTTP requests to all API processes, by the template of the route and the class of the status.",
)
HTTP_SECONDS = Metric(
    name="retailpulse_http_request_duration_seconds",
    kind="histogram",
    labels=("route", "method"),
    bounds=_OF_REQUESTS,
    meaning="How long HTTP requests took, to the last byte of their answer, in seconds.",
)
BUILD = Metric(
    name="retailpulse_build_info",
    kind="gauge",
    labels=("version",),
    meaning="Always 1; `version` is that of the API process that answers.",
)

CATALOGUE = (
    IMAGES_SETTLED, FETCHED_BYTES, QUEUE_WAIT, TRANSFER, DECODE, SETTLE, TRANSFERS_IN_FLIGHT,
    UNSETTLED_IMAGES, WAITING_IMAGES, ONGOING_JOBS, OLDEST_PENDING, LEASED_SLOTS, OPEN_BREAKERS,
    MATCHES, UNMATCHED_PHOTOS,
    IMAGES_IN_HAND, DECODERS, CALLBACK_TRIES, OVERDUE_CALLBACK,
    WORKERS_WANTED, WORKERS_ALIVE, STARTED, CRASHES, REPLACED, PROCESS_MEMORY, EVENT_LOOP_LATE_TURNS,
    DATABASE_SIZE, DATABASE_FREE, DATABASE_CONNECTIONS, DATABASE_MAX_CONNECTIONS,
    HTTP_REQUESTS, HTTP_SECONDS, BUILD,
)  # fmt: skip
"""In the order in which they are exported."""
