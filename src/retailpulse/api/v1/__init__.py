"""The newer endpoints, resource by resource."""

from litestar.types import ControllerRouterHandler

from retailpulse.api.v1 import deliveries, events, jobs, results, stores

HANDLERS: list[ControllerRouterHandler] = [
    jobs.submit,
    jobs.cancel,
    jobs.retry,
    jobs.remove,
    events.events,
    jobs.job,
    results.job_results,
    deliveries.job_deliveries,
    deliveries.redeliver,
    stores.import_stores,
]
