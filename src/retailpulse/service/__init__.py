"""What the service does with jobs, stores and visits, for every interface.

Each function is one use of the service; it owns the transaction and knows nothing of HTTP.
"""

import asyncio
from dataclasses import dataclass
from typing import Self

from retailpulse.analyze import select
from retailpulse.config.settings import Settings
from retailpulse.fetch import CredentialVault
from retailpulse.service.admission_control import AdmissionControl
from retailpulse.service.analyses import Analyses
from retailpulse.service.api_keys import ApiKeys
from retailpulse.service.checks import Checks
from retailpulse.service.deliveries import Deliveries
from retailpulse.service.held_files import FileKind, HeldFiles
from retailpulse.service.hosts import Hosts
from retailpulse.service.job_control import JobControl
from retailpulse.service.job_lists import JobLists
from retailpulse.service.job_reports import JobReports, describe_failures
from retailpulse.service.job_submitter import JobSubmitter, Receipt, SubmitTimeout
from retailpulse.service.limits import Limits
from retailpulse.service.matches import Matches
from retailpulse.service.photo_details import PhotoDetail, PhotoDetails
from retailpulse.service.photos import Photos
from retailpulse.service.processes import Processes
from retailpulse.service.profiles import Profiles, Viewer
from retailpulse.service.progress import Progress, Signal
from retailpulse.service.readiness import ReadinessCheck
from retailpulse.service.reports import Reports
from retailpulse.service.results import Results
from retailpulse.service.review_sets import ReviewSets
from retailpulse.service.reviews import Reviews
from retailpulse.service.sessions import Sessions
from retailpulse.service.stats import Stats
from retailpulse.service.store_import import FinishedImport, ImportOptions, StoreImport
from retailpulse.service.stores import Stores
from retailpulse.service.submit_preview import SubmitPreview
from retailpulse.service.thumbnails import Thumbnails
from retailpulse.service.visits import Visits
from retailpulse.storage.postgres.database import Database

__all__ = [
    "AdmissionControl",
    "Analyses",
    "ApiKeys",
    "Checks",
    "Deliveries",
    "FileKind",
    "FinishedImport",
    "HeldFiles",
    "Hosts",
    "ImportOptions",
    "JobControl",
    "JobLists",
    "JobReports",
    "JobSubmitter",
    "Limits",
    "Machine",
    "Matches",
    "PhotoDetail",
    "PhotoDetails",
    "Photos",
    "Processes",
    "Profiles",
    "Progress",
    "ReadinessCheck",
    "Receipt",
    "Reports",
    "Results",
    "ReviewSets",
    "Reviews",
    "Services",
    "Sessions",
    "Signal",
    "Stats",
    "StoreImport",
    "Stores",
    "SubmitPreview",
    "SubmitTimeout",
    "Thumbnails",
    "Visits",
    "describe_failures",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The machine of an API process: what its decoders lack to be confined, and what looks into processes."""

    sandbox_missing: tuple[str, ...]
    viewer: Viewer


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """All uses of the service; handlers ask for one by an argument with the name of its field."""

    job_reports: JobReports
    job_submitter: JobSubmitter
    submit_preview: SubmitPreview
    job_control: JobControl
    progress: Progress
    job_lists: JobLists
    results: Results
    thumbnails: Thumbnails
    visits: Visits
    photos: Photos
    photo_details: PhotoDetails
    reviews: Reviews
    review_sets: ReviewSets
    store_import: StoreImport
    readiness: ReadinessCheck
    stores: Stores
    reports: Reports
    stats: Stats
    hosts: Hosts
    deliveries: Deliveries
    processes: Processes
    profiles: Profiles
    checks: Checks
    sessions: Sessions
    held_files: HeldFiles
    keys: ApiKeys
    matches: Matches
    analyses: Analyses

    @classmethod
    def over(cls, database: Database, settings: Settings, stop: asyncio.Event, machine: Machine) -> Self:
        """All over one database, on one machine; `stop` ends every listening."""
        limits = Limits.of(settings, machine.sandbox_missing)
        hosts = Hosts(database, settings.fetch.per_host)
        admission = AdmissionControl(limits.max_unsettled_images)
        vault = CredentialVault(settings.fetch.credentials_keys(), proxy=settings.fetch.proxy)
        return cls(
            job_reports=JobReports(database, hosts),
            job_submitter=JobSubmitter(database, limits, admission, SubmitTimeout.of(settings.api), vault),
            submit_preview=SubmitPreview(database),
            job_control=JobControl(database, admission, vault),
            progress=Progress(database, stop),
            job_lists=JobLists(database),
            results=Results(database),
            thumbnails=Thumbnails(database, settings.measure, settings.retention),
            visits=Visits(database),
            photos=Photos(database),
            photo_details=PhotoDetails(database, settings.measure),
            reviews=Reviews(database),
            review_sets=ReviewSets(database),
            store_import=StoreImport(database),
            readiness=ReadinessCheck(database, limits),
            stores=Stores(database),
            reports=Reports(database),
            stats=Stats(database, limits.stale_seconds, limits.scaling),
            hosts=hosts,
            deliveries=Deliveries(database),
            processes=Processes(database, limits.stale_seconds),
            profiles=Profiles(machine.viewer),
            checks=Checks(database, settings.worker, stop),
            sessions=Sessions(database),
            held_files=HeldFiles(database, settings.api.held_bytes),
            keys=ApiKeys(database),
            matches=Matches(database),
            analyses=Analyses(
                database, select(settings.measure.analyzers), vault, limits.max_unsettled_images
            ),
        )
