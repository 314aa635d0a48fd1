"""Has photos that were measured before looked at again by analyzers that are new or have changed since."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from retailpulse.analyze import Analyzer
from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import Busy, InvalidRequest, NotFound
from retailpulse.domain.ids import new_job_id
from retailpulse.fetch import CredentialVault, origin_key
from retailpulse.schema import AnalysisJob
from retailpulse.storage.analyses import find, read
from retailpulse.storage.analyses.find import Photo, PhotoFilter, Reached
from retailpulse.storage.analyses.insert import insert_analysis
from retailpulse.storage.jobs import list as job_lists
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.jobs.list import JobFilter, JobPlace
from retailpulse.storage.jobs.log import log_accepted
from retailpulse.storage.jobs.summary import summarize
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling.slice_builder import SliceBuilder

MOST_IMAGES = 20_000
"""Most images of one analysis: they are written in one transaction."""
MOST_LOOKED_AT = 500_000
"""After so many images of jobs a request answers, whatever it has found."""
WRITE_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalysisRequest:
    """Which photos are to be looked at again, by which analyzers: all if none is named; and how many at most.

    `credentials` are given again for jobs that had some. With `failed_too`, also photos at which an analysis
    for the same versions failed.
    """

    analyzers: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    job_id: UUID | None = None
    all_depths: bool = False
    failed_too: bool = False
    limit: int = MOST_IMAGES
    after: Reached | None = None
    credentials: Mapping[str, Credential] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundPhotos:
    """What a request found: how many photos at each host, and the job that looks at them, if there is one.

    `left_out` counts photos at which an analysis has failed.
    """

    job_id: UUID | None
    hosts: Counter[str]
    left_out: int
    looked_at: int
    in_reach: int | None
    reached: Reached | None


class Analyses:
    """Analyses over one database."""

    def __init__(
        self, database: Database, analyzers: Sequence[Analyzer], vault: CredentialVault, max_images: int
    ) -> None:
        """`analyzers` are those that are on; of all analyses, at most `max_images` images wait at a time."""
        self._database = database
        self._versions = {analyzer.name: analyzer.version for analyzer in analyzers}
        self._vault = vault
        self._max_images = max_images

    async def preview(self, request: AnalysisRequest) -> FoundPhotos:
        """The next photos that need to be looked at; nothing is kept. Raises InvalidRequest, NotFound."""
        found, in_reach = await self._find(request)
        return _answer(found, None, found.photos, in_reach)

    async def analyze(self, request: AnalysisRequest) -> FoundPhotos:
        """Puts the next photos that need it in line, in a job of their own of the lowest priority.

        Those that wait to be looked at already are left out. Raises InvalidRequest, NotFound; Busy if too
        many wait.
        """
        job_id = new_job_id()
        sealed = self._vault.seal(job_id, request.credentials) if request.credentials else None
        found, in_reach = await self._find(request)
        photos: list[Photo] = []
        if found.photos:
            async with self._database.transaction(
                share=Share.WRITES, timeout_seconds=WRITE_SECONDS
            ) as connection:
                waiting = await jobs.count_unsettled(connection, analyses=True)
                if waiting and waiting + len(found.photos) > self._max_images:
                    raise Busy(f"{waiting} images of analyses wait, and {self._max_images} may; go on later")
                photos = await insert_analysis(
                    connection,
                    job_id,
                    found.photos,
                    versions=self._versions,
                    origin_of=origin_key,
                    sealed=sealed,
                )
                job = await jobs.find_job(connection, job_id)
            if job is not None:
                log_accepted(job)
        return _answer(found, job_id if photos else None, photos, in_reach)

    async def analyses(
        self, *, after: JobPlace | None, limit: int
    ) -> tuple[list[AnalysisJob], JobPlace | None]:
        """Analyses, the newest first, and the place of the next page."""
        async with self._database.connection(share=Share.READS) as connection:
            rows = await job_lists.read_jobs(
                connection, JobFilter(analyses=True), after=after, limit=limit + 1
            )
            page = rows[:limit]
            counts = await read.read_became(connection, [job.job_id for job in page])
        following = (page[-1].submitted_at, page[-1].job_id) if len(rows) > limit else None
        return [_analysis(job, counts[job.job_id]) for job in page], following

    async def analysis(self, job_id: UUID) -> AnalysisJob:
        """One analysis; raises NotFound."""
        async with self._database.connection(share=Share.READS) as connection:
            if not await read.is_analysis(connection, job_id):
                raise NotFound(f"there is no analysis {job_id}")
            job = await jobs.known_job(connection, job_id)
            counts = await read.read_became(connection, [job_id])
        return _analysis(job, counts[job_id])

    async def _find(self, request: AnalysisRequest) -> tuple[find.Found, int | None]:
        wanted = PhotoFilter(
            versions=self._named(request.analyzers),
            since=request.since,
            until=request.until,
            job_id=request.job_id,
            all_depths=request.all_depths,
            failed_too=request.failed_too,
            has_credentials=bool(request.credentials),
        )
        connect = partial(self._database.connection, share=Share.READS)
        in_reach = None
        if request.after is None:
            async with connect() as connection:
                if request.job_id is not None:
                    await jobs.known_job(connection, request.job_id)
                in_reach = await find.count_in_reach(connection, wanted)
        found = await find.find_photos(
            connect,
            wanted,
            after=request.after,
            most_photos=min(request.limit, MOST_IMAGES),
            most_looked_at=MOST_LOOKED_AT,
        )
        return found, in_reach

    def _named(self, names: Sequence[str]) -> dict[str, int]:
        if unknown := set(names) - self._versions.keys():
            raise InvalidRequest(
                f"analyzers: {min(unknown)[:100]!r} is not on; on are {', '.join(self._versions) or 'none'}"
            )
        return {name: self._versions[name] for name in names} if names else self._versions


def _answer(
    found: find.Found, job_id: UUID | None, photos: Sequence[Photo], in_reach: int | None
) -> FoundPhotos:
    by_host = SliceBuilder(origin_key)
    for number, photo in enumerate(photos, 1):
        by_host.add(number, photo.image_url)
    return FoundPhotos(
        job_id=job_id,
        hosts=Counter(by_host.image_counts()),
        left_out=found.left_out,
        looked_at=found.looked_at,
        in_reach=in_reach,
        reached=found.reached,
    )


def _analysis(job: jobs.JobRow, became: Mapping[str, int]) -> AnalysisJob:
    return AnalysisJob(
        job=summarize(job),
        analyzed=became.get("analyzed", 0),
        changed=became.get("changed", 0),
        gone=became.get("gone", 0),
    )
