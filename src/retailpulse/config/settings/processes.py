"""The database, the worker processes, how long things are kept, and the log."""

from typing import Annotated

import msgspec
from msgspec import Meta


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which PostgreSQL is used, and how."""

    url: Annotated[
        str,
        Meta(
            description="Connection URL of a PostgreSQL >= 14; "
            "empty: the embedded one in the data directory.",
        ),
    ] = ""
    direct_url: Annotated[
        str,
        Meta(
            description="If `url` is a pooler that lends a session for one transaction, as pgbouncer does: "
            "the URL of the PostgreSQL behind it, for migrations, notifications and the scheduling.",
        ),
    ] = ""
    data_dir: Annotated[str, Meta(description="Directory of the embedded PostgreSQL.")] = "retailpulse-data"
    pool_size: Annotated[
        int, Meta(ge=2, le=500, description="Most connections that one API process opens.")
    ] = 8
    wait_seconds: Annotated[
        float,
        Meta(gt=0, description="How long a request waits for a connection before it is refused."),
    ] = 1.2
    read_seconds: Annotated[
        float,
        Meta(
            ge=0.001,
            le=86_400,
            description="How long the database may work on one statement of a search, a list or an export, "
            "before the request is refused (503).",
        ),
    ] = 20.0
    capacity_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="How large the database may become, for the metric of what is free; "
            "0: as large as its disk allows.",
        ),
    ] = 0


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The worker processes."""

    processes: Annotated[
        int, Meta(ge=0, le=256, description="Worker processes that serve starts; 0: one per core.")
    ] = 0
    connections: Annotated[
        int, Meta(ge=2, le=500, description="Most connections to the database that one worker shares.")
    ] = 4
    settle_rows: Annotated[
        int, Meta(ge=1, le=10_000, description="Most results that are written in one transaction.")
    ] = 2_000
    settle_seconds: Annotated[float, Meta(gt=0, description="Longest time a result waits to be written.")] = (
        0.25
    )
    grace_seconds: Annotated[
        float, Meta(ge=0, description="How long a stopping worker may finish what is in flight.")
    ] = 20.0
    heartbeat_seconds: Annotated[
        float, Meta(gt=0, description="How often a worker says that it is alive.")
    ] = 2.0
    stale_seconds: Annotated[
        float, Meta(gt=0, description="A worker silent for this long is taken for dead.")
    ] = 8.0
    sweep_seconds: Annotated[
        float, Meta(gt=0, description="How often what dead workers had in hand is handed back.")
    ] = 2.0
    stall_seconds: Annotated[
        float,
        Meta(ge=2, description="A worker whose event loop stalls for this long is killed and replaced."),
    ] = 20.0


class ScalingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How many workers are wanted; nothing of the service starts or ends any by it."""

    images_per_second: Annotated[
        float,
        Meta(gt=0, description="Images that one busy worker settles in a second."),
    ] = 25.0
    backlog_seconds: Annotated[
        float, Meta(gt=0, description="Seconds in which the workers that are wanted settle all that waits.")
    ] = 300.0


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long ended jobs and used keys are kept."""

    jobs_days: Annotated[
        float,
        Meta(ge=0, description="Days after its end at which a job is pruned with all its rows; 0: never."),
    ] = 0.0
    thumbnails_days: Annotated[
        float,
        Meta(ge=0, description="Days for which thumbnails are kept; 0: as long as their job."),
    ] = 30.0
    review_pictures_days: Annotated[
        float,
        Meta(ge=0, description="Days for which review pictures are kept; 0: as long as their job."),
    ] = 90.0
    keys_hours: Annotated[
        float, Meta(gt=0, description="Hours for which an Idempotency-Key is remembered.")
    ] = 24.0
    prune_seconds: Annotated[
        float, Meta(gt=0, description="How often the workers look for what is to be pruned.")
    ] = 60.0


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The level and the form of the log."""

    level: Annotated[
        str,
        Meta(pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR."),
    ] = "INFO"
    format: Annotated[
        str,
        Meta(
            pattern="^(auto|console|json)$",
            description="How a line is written: `console`, for people; `json`, for machines; `auto`: "
            "the first on a terminal, else the second.",
        ),
    ] = "auto"
