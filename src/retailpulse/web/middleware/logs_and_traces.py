"""Puts an application behind ids of requests, and its access log and traces, if they are turned on."""

from litestar.types import ASGIApp

from retailpulse.config.settings import ApiSettings
from retailpulse.telemetry.tracing import Tracer
from retailpulse.web.middleware.access_log import AccessLogMiddleware
from retailpulse.web.middleware.request_id import RequestIdMiddleware
from retailpulse.web.middleware.tracing import TracingMiddleware


def with_logs_and_traces(app: ASGIApp, settings: ApiSettings, tracer: Tracer | None) -> ASGIApp:
    """The application behind all three; a line of the log names the request and its trace."""
    logged = AccessLogMiddleware(app) if settings.access_log else app
    return RequestIdMiddleware(logged if tracer is None else TracingMiddleware(logged, tracer))
