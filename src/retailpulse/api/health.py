"""Health: whether the process is up, and whether it can serve."""

from typing import Annotated, Literal

from litestar import get
from msgspec import Meta, Struct

from retailpulse.api.openapi.annotations import Tag, documented
from retailpulse.service import ReadinessCheck


class Live(Struct):
    """The answer of /health/live: the process is up."""

    status: Literal["live"]


class Ready(Struct):
    """The answer of /health/ready: requests can be served."""

    status: Literal["ready"]
    schema: Annotated[str, Meta(description="The version of the database's tables.", examples=["0010"])]
    workers: Annotated[int, Meta(ge=0, description="How many workers are alive, on all machines.")]
    sandbox_missing: Annotated[
        list[str],
        Meta(description="Parts of the decoders' sandbox that this machine does not give.", examples=[[]]),
    ]


@get(
    "/health/live",
    operation_id="getLive",
    summary="Whether the process is up",
    tags=[Tag.SERVICE],
    opt=documented(Live, meaning="It is up.", example={"status": "live"}),
)
async def live() -> Live:
    """Say that the process is up."""
    return Live(status="live")


@get(
    "/health/ready",
    operation_id="getReady",
    summary="Whether requests can be served",
    tags=[Tag.SERVICE],
    opt=documented(
        Ready,
        503,
        meaning="They can.",
        example={"status": "ready", "schema": "0010", "workers": 2, "sandbox_missing": []},
    ),
)
async def ready(readiness: ReadinessCheck) -> Ready:
    """Say that requests can be served: the database answers and has its tables; how many workers live."""
    found = await readiness.check()
    return Ready(
        status="ready",
        schema=found.schema,
        workers=found.workers,
        sandbox_missing=list(found.sandbox_missing),
    )
