"""A flame graph of a running process, made while the request waits for it."""

from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter

from retailpulse.api.openapi.annotations import (
    HTML,
    SVG,
    ContentSpec,
    HeaderSpec,
    ResponseSpec,
    Tag,
    documented,
)
from retailpulse.domain.profiles import MOST_SECONDS, ProfileKind
from retailpulse.service import Profiles
from retailpulse.web.pictures import POLICY, answer_picture


@get(
    "/debug/profile",
    operation_id="profileProcess",
    summary="A flame graph of a running process",
    tags=[Tag.SERVICE],
    opt=documented(
        None,
        404,
        409,
        answers={
            200: ResponseSpec(
                meaning="The picture, for a browser.",
                contents=(
                    ContentSpec(
                        shape=str, media_type=SVG, example='<svg xmlns="http://www.w3.org/2000/svg"/>'
                    ),
                    ContentSpec(shape=str, media_type=HTML, example="<!DOCTYPE html>"),
                ),
                headers={
                    "Content-Security-Policy": HeaderSpec(
                        meaning="Keeps the scripts of the picture from everything else.",
                        example=POLICY,
                        is_always=True,
                    )
                },
            )
        },
    ),
)
async def profile_process(
    *,
    profiles: Profiles,
    process: Annotated[
        str, Parameter(description="`api`, or `worker-1`, `worker-2` and so on.", max_length=100)
    ],
    seconds: Annotated[int, Parameter(description="How long to look.", ge=1, le=MOST_SECONDS)] = 10,
    kind: Annotated[
        ProfileKind,
        Parameter(
            description="`cpu`: where CPU time goes, as SVG; decoders are part of their worker. `memory`: "
            "what is allocated meanwhile and held at the peak, as an HTML page; without decoders."
        ),
    ] = ProfileKind.CPU,
) -> Response[bytes]:
    """Look into a process that `retailpulse serve` has started, for some seconds, one at a time.

    The process works on, somewhat slower. The service needs the extra `profile`, and for `cpu` the right to
    trace its processes; what is missing is said with status 503.
    """
    return answer_picture(await profiles.make(process, kind, seconds))
