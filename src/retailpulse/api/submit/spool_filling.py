"""Puts the visits of rows that are checked into a spool: rows in a row of a store and time are one visit."""

from collections.abc import Mapping, Sequence

from retailpulse.api.submit.visit_validator import VisitValidator, cleaned_id, is_plain_url
from retailpulse.domain.jobs import Visit
from retailpulse.storage.jobs.spool import Spool
from retailpulse.web.errors import TooLarge

_BLOCK_IMAGES = 1_000
"""Images of a visit that are handed on at once."""


class SpoolFilling:
    """The rows of one submit on their way into its spool."""

    def __init__(self, spool: Spool, max_images: int, validator: VisitValidator) -> None:
        self._spool = spool
        self._max_images = max_images
        self._validator = validator
        self._visit: tuple[str, str] | None = None
        self._written = ("", "")
        """The store and time of the visit as the row before has them."""
        self._urls: list[str] = []
        self._extras: list[str | None] = []

    def add_row(
        self, line: int, store_id: str, visit_time: str, urls: Sequence[str], own: Mapping[str, str]
    ) -> None:
        """Adds the images of one row of a table, if it is good; raises TooLarge."""
        written = store_id, visit_time
        if written == self._written and not own and len(urls) == 1 and is_plain_url(urls[0]):
            # Nearly all rows are further photos of a visit that was checked.
            self._urls.append(urls[0])
            self._extras.append(None)
            if len(self._urls) >= _BLOCK_IMAGES:
                self.end_visit()
            return
        visit = cleaned_id(store_id), visit_time
        validator = self._validator
        before = validator.errors.error_count
        if visit != self._visit:
            validator.check_head(line, *visit)
        urls = validator.urls(line, urls) or ()
        kept = validator.own_columns(line, own) if own else None
        if validator.errors.error_count > before:
            return
        if visit != self._visit:
            self.end_visit()
            self._spool.begin_visit(*visit, validator.instant(line, visit_time))
            self._visit = visit
        self._written = written
        self._urls += urls
        self._extras += [kept] * len(urls)
        if len(self._urls) >= _BLOCK_IMAGES:
            self.end_visit()

    def add_visit(self, visit: Visit) -> None:
        """Adds a whole visit that is checked; raises TooLarge."""
        self._spool.begin_visit(visit.store_id, visit.visit_time, visit.visited_at)
        extras = None if visit.extra is None else [visit.extra] * len(visit.image_urls)
        self._add_images(visit.image_urls, extras)

    def end_visit(self) -> None:
        """Says that the visit has no more rows for now; raises TooLarge."""
        if not self._urls:
            return
        self._add_images(self._urls, self._extras if any(self._extras) else None)
        self._urls.clear()
        self._extras.clear()

    def _add_images(self, urls: Sequence[str], extras: Sequence[str | None] | None) -> None:
        self._spool.add_images(urls, extras)
        if self._spool.images > self._max_images:
            raise TooLarge(f"the job has more than {self._max_images} images: split it into several jobs")
