"""How the API listens, and what it accepts."""

from typing import Annotated

import msgspec
from msgspec import Meta


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The HTTP server and what it accepts."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on.")] = 9090
    max_body_bytes: Annotated[
        int, Meta(ge=1024, description="Largest body of a submit, in bytes; larger is refused (413).")
    ] = 256_000_000
    max_images_per_job: Annotated[
        int, Meta(ge=1, description="Most images in one job; more is refused (413).")
    ] = 1_000_000
    max_stores_bytes: Annotated[
        int, Meta(ge=1024, description="Largest store master in one request, in bytes.")
    ] = 4_000_000_000
    buffer_bytes: Annotated[
        int,
        Meta(
            ge=1_000_000,
            description="Most bytes of submits that are read at once, beside the largest one; "
            "a submit beyond that is refused for now (503).",
        ),
    ] = 256_000_000
    spool_dir: Annotated[
        str,
        Meta(
            description="Where submits of CSV and NDJSON wait on disk until they are whole; "
            "empty: the system's directory for temporary files.",
        ),
    ] = ""
    spool_bytes: Annotated[
        int,
        Meta(
            ge=1_000_000,
            description="Most bytes of such submits that come in at once, beside the largest one; they take "
            "up to twice as much room; a submit beyond that is refused for now (503).",
        ),
    ] = 2_000_000_000
    max_unsettled_images: Annotated[
        int,
        Meta(ge=1, description="Submits are refused for now (503) while so many images wait for a result."),
    ] = 5_000_000
