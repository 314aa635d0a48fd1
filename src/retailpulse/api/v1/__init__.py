"""The newer endpoints, resource by resource."""

from litestar.types import ControllerRouterHandler

from retailpulse.api.v1 import (
    deliveries,
    events,
    hosts,
    job_lists,
    jobs,
    results,
    stats,
    store_lists,
    stores,
    visits,
)

HANDLERS: list[ControllerRouterHandler] = [
    jobs.submit,
    jobs.cancel,
    jobs.retry,
    jobs.remove,
    events.events,
    jobs.job,
    job_lists.list_jobs,
    job_lists.stores_of_job,
    results.job_results,
    store_lists.list_stores,
    store_lists.one_store,
    store_lists.list_areas,
    visits.list_visits,
    stats.service_stats,
    hosts.list_hosts,
    deliveries.job_deliveries,
    deliveries.redeliver,
    stores.import_stores,
]
