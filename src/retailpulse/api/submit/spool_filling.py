"""Puts the visits of rows that are checked into a spool: rows in a row of a store and time are one visit."""

from collections.abc import Mapping, Sequence

from retailpulse.api.submit.visit_validator import VisitValidator, cleaned_id
from retailpulse.domain.jobs import Visit
from retailpulse.storage.jobs.spool import Spool
from retailpulse.tables import split_urls
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
        self._store_id: str | None = None
        self._visit_time: str | None = None
        """The store and time of the visit as the row before has them."""
        self._urls: list[str] = []
        self._extras: list[str | None] = []
        """The extra of each URL; the last ones, if they have none, may be missing."""

    def add_row(self, line: int, store_id: str, visit_time: str, cell: str, own: Mapping[str, str]) -> None:
        """Adds the images of one row of a table, if it is good: `cell` has their URLs; raises TooLarge."""
        is_plain = not own and " " not in cell and cell.count("://") == 1 and cell.isprintable()
        if not is_plain:  # nearly all are
            self._add_other_row(line, store_id, visit_time, cell, own)
        elif (store_id == self._store_id and visit_time == self._visit_time) or self._turn_to(
            line, store_id, visit_time
        ):
            self._urls.append(cell)
            if len(self._urls) >= _BLOCK_IMAGES:
                self.end_visit()

    def _turn_to(self, line: int, store_id: str, visit_time: str) -> bool:
        """Goes to the visit of a row; False if there can be no such visit, which is noted."""
        visit = cleaned_id(store_id), visit_time
        if visit != self._visit:
            if not self._validator.check_head(line, *visit):
                return False
            self.end_visit()
            self._spool.begin_visit(*visit, self._validator.instant(line, visit_time))
            self._visit = visit
        self._store_id, self._visit_time = store_id, visit_time
        return True

    def _add_other_row(
        self, line: int, store_id: str, visit_time: str, cell: str, own: Mapping[str, str]
    ) -> None:
        """Adds the images of a row that needs a closer look."""
        visit = cleaned_id(store_id), visit_time
        validator = self._validator
        before = validator.errors.error_count
        if visit != self._visit:
            validator.check_head(line, *visit)
        # Only where a second one may begin is a cell cut.
        found = (split_urls(cell) or [""]) if cell.count("://") > 1 else (cell,)
        urls = validator.urls(line, found) or ()
        kept = validator.own_columns(line, own) if own else None
        if validator.errors.error_count > before:
            return
        self._turn_to(line, store_id, visit_time)
        if kept is not None:
            self._extras += [None] * (len(self._urls) - len(self._extras)) + [kept] * len(urls)
        self._urls += urls
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
        if self._extras:
            self._extras += [None] * (len(self._urls) - len(self._extras))
            self._add_images(self._urls, self._extras)
            self._extras.clear()
        else:
            self._add_images(self._urls, None)
        self._urls.clear()

    def _add_images(self, urls: Sequence[str], extras: Sequence[str | None] | None) -> None:
        self._spool.add_images(urls, extras)
        if self._spool.images > self._max_images:
            raise TooLarge(f"the job has more than {self._max_images} images: split it into several jobs")
