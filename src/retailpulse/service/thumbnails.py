"""What is asked of thumbnails: one of them, or why there is none."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from retailpulse.config.settings import MeasureSettings, RetentionSettings, ReviewPictures
from retailpulse.domain.errors import NotFound
from retailpulse.domain.images import Depth, Outcome
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import thumbnails
from retailpulse.storage.results.thumbnails import ThumbnailRow


class Thumbnails:
    """The thumbnails of photos over one database."""

    def __init__(self, database: Database, measure: MeasureSettings, retention: RetentionSettings) -> None:
        self._database = database
        self._is_kept = measure.thumbnails or measure.review_pictures is not ReviewPictures.OFF
        self._days = max(retention.thumbnails_days, retention.review_pictures_days)

    async def read(self, job_id: UUID, image_no: int, kind: ThumbnailKind) -> bytes:
        """The JPEG of an image: of this kind, or else the other one. Raises NotFound, which says why."""
        kinds = sorted(ThumbnailKind, key=lambda one: one is not kind)
        async with self._database.connection(share=Share.READS) as connection:
            row = await thumbnails.read(connection, job_id, image_no, kinds)
            if row is None:
                job = await jobs.known_job(connection, job_id)
                raise NotFound(f"the job {job_id} has no image {image_no}; it has {job.images:,}")
        if row.jpeg is None:
            raise NotFound(f"image {image_no} of job {job_id} has no thumbnail: {self._why_not(row)}")
        return row.jpeg

    def _why_not(self, row: ThumbnailRow) -> str:
        if row.outcome is None or row.settled_at is None:
            return "it is not measured yet"
        if row.outcome != Outcome.MEASURED:
            return f"it is {row.outcome}"
        if row.depth != Depth.DECODE:
            return f"its job has the depth {row.depth}, at which no photo is decoded"
        if self._days and row.settled_at < datetime.now(UTC) - timedelta(days=self._days):
            return "it was deleted by its age"
        if not self._is_kept:
            return "thumbnails are switched off"
        return "none could be made, they were switched off then, or it was deleted by its age"
