"""The newer endpoints, resource by resource: each handler of these modules is one."""

from litestar.handlers import HTTPRouteHandler

from retailpulse.api.v1 import (
    analyses,
    deliveries,
    events,
    hosts,
    job_lists,
    jobs,
    matches,
    photos,
    reports,
    results,
    reviews,
    stats,
    store_lists,
    stores,
    thumbnails,
    visits,
)

_MODULES = (
    jobs,
    events,
    job_lists,
    results,
    thumbnails,
    matches,
    reviews,
    store_lists,
    visits,
    photos,
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
