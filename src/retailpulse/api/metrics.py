"""What all processes of the service have measured, for Prometheus."""

from typing import Any

from litestar import Request, Response, get

from retailpulse.api.openapi.annotations import TEXT, ContentSpec, ResponseSpec, Tag, documented
from retailpulse.metrics.exposition import Metrics

OPEN_METRICS = "application/openmetrics-text"
_EXAMPLE = """\
# HELP retailpulse_workers_alive Worker processes on all machines that have lately said that they are alive.
# TYPE retailpulse_workers_alive gauge
retailpulse_workers_alive 2.0
"""


@get(
    "/metrics",
    operation_id="getMetrics",
    summary="Metrics of all processes",
    tags=[Tag.SERVICE],
    media_type=TEXT,
    opt=documented(
        answers={
            200: ResponseSpec(
                meaning="Every metric of all processes on all machines.",
                contents=(
                    ContentSpec(shape=str, media_type=TEXT, example=_EXAMPLE),
                    ContentSpec(shape=str, media_type=OPEN_METRICS, example=f"{_EXAMPLE}# EOF\n"),
                ),
            )
        },
    ),
)
async def metrics(request: Request[Any, Any, Any], metrics: Metrics) -> Response[bytes]:
    """Tell every metric of all processes on all machines, in the format of Prometheus or OpenMetrics."""
    exposition = await metrics.render(request.headers.get("Accept", ""))
    return Response(exposition.content, headers={"Content-Type": exposition.content_type})
