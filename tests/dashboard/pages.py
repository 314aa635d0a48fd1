"""Addresses of all pages of the dashboard, by their routes; a test notes a route without one."""

import re
from collections.abc import Mapping

from litestar.handlers import HTTPRouteHandler

from retailpulse.dashboard.routes import HANDLERS
from tests.api.jobs import KIOSK
from tests.dashboard.conftest import Reused

SIZES = {"desktop": (1280, 900), "phone": (390, 844), "narrow": (320, 700)}
"""Width and height of windows, in CSS pixels."""
NO_PAGES = {"/assets/{name}", "/system/profile/picture"}
"""Routes that answer something else than a page."""


def page_routes() -> set[str]:
    """Every route that answers a page, as documents write it: /jobs/{job_id}."""
    gets = (one for one in HANDLERS if isinstance(one, HTTPRouteHandler) and "GET" in one.http_methods)
    return {re.sub(r":[a-z]+}", "}", path) for one in gets for path in one.paths} - NO_PAGES


def addresses(
    reused: Reused, job_id: str, visits_file: str, stores_file: str
) -> Mapping[str, tuple[str, ...]]:
    """Addresses that show each route at its fullest; `job_id` is a job in which images failed.

    `visits_file` and `stores_file` are the addresses of files that were handed in.
    """
    return {
        "/": ("/", "/?period=day"),
        "/jobs": ("/jobs", "/jobs?q=no-such-job"),
        "/jobs/{job_id}": (f"/jobs/{reused.job_id}", f"/jobs/{job_id}?only=failed"),
        "/jobs/{job_id}/stores": (f"/jobs/{job_id}/stores",),
        "/jobs/{job_id}/about": (f"/jobs/{job_id}/about",),
        "/jobs/{job_id}/photos/{image_no}": (reused.photo(3), f"/jobs/{job_id}/photos/1"),
        "/jobs/{job_id}/callbacks": (f"/jobs/{job_id}/callbacks",),
        "/jobs/delete": (f"/jobs/delete?job={job_id}",),
        "/photos": ("/photos", "/photos?flag=copy"),
        "/review/set": (f"/review/set?job={reused.job_id}&flag=copy",),
        "/review": (reused.queue, "/review?store=none"),
        "/submit": ("/submit",),
        "/submit/{file_id}": (visits_file,),
        "/import": ("/import",),
        "/import/{file_id}": (stores_file,),
        "/sign-in": ("/sign-in",),
        "/stores": ("/stores", "/stores?q=none"),
        "/areas": ("/areas",),
        "/area": ("/area?code=7100015",),
        "/store": (f"/store?id={KIOSK}&since=ever",),
        "/system": ("/system",),
        "/system/callbacks": ("/system/callbacks",),
        "/system/check": ("/system/check",),
        "/system/hosts": ("/system/hosts",),
        "/system/keys": ("/system/keys",),
        "/system/profile": ("/system/profile",),
        "/system/settings": ("/system/settings",),
        "/system/workers": ("/system/workers",),
    }


ROUTES = sorted(addresses(Reused(job_id="", first_store="", second_store=""), "", "", ""))
