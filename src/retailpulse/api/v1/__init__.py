"""The newer endpoints, resource by resource: each handler of these modules is one."""

from litestar.handlers import HTTPRouteHandler

from retailpulse.api.v1 import (
    analyses,
    deliveries,
    events,
    hosts,
    job_lists,
    jobs,
    reports,
    results,
    stats,
    store_lists,
    stores,
    visits,
)

_MODULES = (
    jobs,
    events,
    job_lists,
    results,
    store_lists,
    visits,
    reports,
    stats,
    hosts,
    deliveries,
    stores,
    analyses,
)
"""In the order in which the API's description has them."""
HANDLERS: list[HTTPRouteHandler] = [
    named for module in _MODULES for named in vars(module).values() if isinstance(named, HTTPRouteHandler)
]
