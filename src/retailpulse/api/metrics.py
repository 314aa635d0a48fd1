"""What all processes of the service have measured, for Prometheus."""

from typing import Any

from litestar import Request, Response, get

from retailpulse.observability.exposition import Metrics


@get("/metrics")
async def metrics(request: Request[Any, Any, Any], metrics: Metrics) -> Response[bytes]:
    """Tell every metric of all processes on all machines, in the format of Prometheus or OpenMetrics."""
    told = await metrics.tell(request.headers.get("Accept", ""))
    return Response(told.content, headers={"Content-Type": told.content_type})
