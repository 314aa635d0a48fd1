"""Decides whether a visit can be accepted, and notes all that is wrong with it or may be a mistake.

Two sets of rules: the old endpoint's, which refuses at the first error and accepts any text as a URL, and
those of /api/v1. Readers of every format hand their visits here, so that all say the same.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from retailpulse.api.submit.extra_columns import ExtraLimits, as_json
from retailpulse.api.submit.row_errors import OnBadRow, RowErrors, RowKind
from retailpulse.domain.date_formats import DateOrder, why_of_other_order
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import Visit
from retailpulse.domain.texts import trimmed_id
from retailpulse.domain.times import parse_visit_time, possible_date_orders

UNREADABLE, AMBIGUOUS, NOT_FOUND = "visit_time_unreadable", "visit_time_ambiguous", "store_not_found"
BAD_URL = str(Cause.BAD_URL)
"""The codes of warnings."""
_WARNINGS = {
    UNREADABLE: "these visit times name no instant, so that no range of dates finds the visits; "
    "write 2026-11-20 or 2026-11-20T10:00:00Z",
    AMBIGUOUS: "day or month first? These dates have no instant until date_order=day-first or "
    "date_order=month-first says it; so no range of dates finds the visits",
}
_BAD_URL = (
    "these are no URLs, as none of them begins like https://, and their images will fail with this cause; "
    "is image_url the right column?"
)
_EMPTY, _NUL = "it is empty", "it holds a NUL character"
_NO_IMAGE = "it is empty; a visit needs at least one image"
_NO_URL = "it is no URL: it must begin with http:// or https://, or s3://, gs:// or az://"
_BLANK = re.compile(r"[\s\x85\xa0]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


class VisitValidator:
    """Checks the visits of one submit to /api/v1."""

    def __init__(
        self,
        kind: RowKind = RowKind.VISIT,
        on_bad_row: OnBadRow = OnBadRow.REFUSE,
        *,
        is_dry: bool = False,
        extra_limits: ExtraLimits | None = None,
        date_order: DateOrder | None = None,
    ) -> None:
        self.errors = RowErrors(kind)
        self._extra_limits = extra_limits or ExtraLimits()
        self._raises = on_bad_row is OnBadRow.REFUSE and not is_dry
        self._is_dry = is_dry
        self._date_order = date_order

    def visit(
        self,
        number: int,
        store_id: str,
        visit_time: str,
        urls: Sequence[str],
        extra: Mapping[str, Any] | None = None,
    ) -> Visit | None:
        """The visit of a row, numbered from 1, cleaned; None if something is wrong, which is noted."""
        if not extra and _is_plain(store_id, visit_time, urls):
            visited_at = self.instant(number, visit_time)
            return Visit(
                store_id=store_id, visit_time=visit_time, visited_at=visited_at, image_urls=tuple(urls)
            )
        before = self.errors.error_count
        store_id = cleaned_id(store_id)
        self.check_head(number, store_id, visit_time)
        urls = self.urls(number, urls) or ()
        kept = self.own_columns(number, extra) if extra else None
        if self.errors.error_count > before:
            return None
        return Visit(
            store_id=store_id,
            visit_time=visit_time,
            visited_at=self.instant(number, visit_time),
            image_urls=tuple(urls),
            extra=kept,
        )

    def check_head(self, number: int, store_id: str, visit_time: str) -> bool:
        """Whether a row may have this store and time; what is wrong is noted."""
        if store_id and visit_time.strip() and "\0" not in store_id and "\0" not in visit_time:
            return True
        for field, text in (("store_id", store_id), ("visit_time", visit_time.strip())):
            if not text:
                self.errors.add(number, field, _EMPTY)
            elif "\0" in text:
                self.errors.add(number, field, _NUL)
        return False

    def urls(self, number: int, urls: Sequence[str]) -> Sequence[str] | None:
        """The URLs of a row without blanks around them; None if one cannot be accepted, which is noted."""
        joined = "".join(urls)
        if urls and joined.isprintable() and " " not in joined and all(urls):
            self._warn_of_no_url(number, urls)
            return urls
        if not urls:
            self.errors.add(number, "image_url", _NO_IMAGE)
            return None
        trimmed = [url.strip() for url in urls]
        is_good = True
        for place, url in enumerate(trimmed):
            if reason := why_no_url(url):
                field = "image_url" if len(urls) == 1 else f"image_url[{place}]"
                self.errors.add(number, field, reason)
                is_good = False
        if not is_good:
            return None
        self._warn_of_no_url(number, trimmed)
        return trimmed

    def _warn_of_no_url(self, number: int, urls: Sequence[str]) -> None:
        for url in urls:
            if "://" not in url:
                self.errors.warn(BAD_URL, number, _BAD_URL, url)

    def own_columns(self, number: int, columns: Mapping[str, Any]) -> str | None:
        """The sender's own columns of a row as they are kept; what is wrong with them is noted."""
        count, text = as_json(columns)
        if text is not None and (reason := self._extra_limits.why_refused(count, text)):
            self.errors.add(number, "extra", reason)
            return None
        return text

    def instant(self, number: int, visit_time: str) -> datetime | None:
        """The instant that a visit's time names; a warning if it names none."""
        instant = parse_visit_time(visit_time, self._date_order)
        if instant is None:
            self._warn_of_no_instant(number, visit_time)
        return instant

    def _warn_of_no_instant(self, number: int, visit_time: str) -> None:
        orders = possible_date_orders(visit_time)
        if not orders:
            self.errors.warn(UNREADABLE, number, _WARNINGS[UNREADABLE], visit_time)
        elif self._date_order is None:
            is_typical = len(orders) > 1
            self.errors.warn(AMBIGUOUS, number, _WARNINGS[AMBIGUOUS], visit_time, is_typical=is_typical)
        else:
            why = why_of_other_order(visit_time.strip(), self._date_order)
            detail = f"these dates have no instant with date_order={self._date_order}: {why}"
            self.errors.warn(AMBIGUOUS, number, detail, visit_time)

    def finish(self, accepted: int, *also: str | None) -> None:
        """Raises InvalidRows for what is wrong, unless such rows are to be skipped and others are left.

        `also` is what is wrong with the whole.
        """
        fatal = [text for text in also if text]
        if fatal or (self.errors.error_count and (self._raises or not (accepted or self._is_dry))):
            raise self.errors.refusal(*fatal)


class FirstErrorValidator:
    """Checks the visits of a submit to the old endpoint, and raises InvalidRequest for the first error."""

    def __init__(self, date_order: DateOrder | None = None) -> None:
        self.errors = RowErrors(RowKind.VISIT)
        self._date_order = date_order

    def visit(self, number: int, store_id: str, visit_time: str, urls: Sequence[str]) -> Visit:
        """The visit of a row, numbered from 1."""
        for field, value in (("store_id", store_id), ("visit_time", visit_time)):
            if not value:
                raise self._refused(number, field, _EMPTY)
        if not urls:
            raise self._refused(number, "image_url", _NO_IMAGE)
        if "" in urls:
            raise self._refused(number, f"image_url[{urls.index('')}]", _EMPTY)
        if "\0" in store_id or "\0" in visit_time or "\0" in "".join(urls):
            texts = {f"image_url[{place}]": url for place, url in enumerate(urls)}
            for field, text in {"store_id": store_id, "visit_time": visit_time, **texts}.items():
                if "\0" in text:
                    raise self._refused(number, field, f"{_NUL} (\\u0000)")
        return Visit(
            store_id=cleaned_id(store_id) or store_id,
            visit_time=visit_time,
            visited_at=parse_visit_time(visit_time, self._date_order),
            image_urls=tuple(urls),
        )

    def finish(self, accepted: int, *also: str | None) -> None:  # noqa: ARG002  # as VisitValidator has it
        """Raises InvalidRequest for what is wrong with the whole."""
        for text in filter(None, also):
            raise InvalidRequest(text)

    def _refused(self, number: int, field: str, reason: str) -> InvalidRequest:
        return InvalidRequest(self.errors.text_of(number, field, reason))


def cleaned_id(store_id: str) -> str:
    """The id of a store as it is kept; nearly all are clean."""
    return store_id if store_id.isascii() and store_id == store_id.strip() else trimmed_id(store_id)


def _is_plain(store_id: str, visit_time: str, urls: Sequence[str]) -> bool:
    """Whether a visit has nothing in it that needs a closer look; said quickly, as nearly all have not."""
    if not (
        store_id.isalnum() and store_id.isascii() and visit_time[:1].isalnum() and "\0" not in visit_time
    ):
        return False
    joined = "".join(urls)
    if joined.count("://") < len(urls):
        return False
    return " " not in joined and joined.isprintable() and joined != "" and "" not in urls


def is_plain_url(url: str) -> bool:
    """Whether a URL has nothing in it that needs a closer look; said quickly, as nearly all have not."""
    return url != "" and " " not in url and url.isprintable()


def why_no_url(url: str) -> str | None:
    """Why a text cannot be accepted as the URL of one image, and what to do; None if it can."""
    if not url or "\0" in url:
        return _NUL if url else _EMPTY
    if "://" not in url and (_CONTROL.search(url) or _BLANK.search(url)):
        return _NO_URL
    if found := _CONTROL.search(url):
        return f"it holds a line break or control character ({_code(found[0])}); each image has its own URL"
    if found := _BLANK.search(url):
        return f"it holds a blank ({_code(found[0])}); write %20 within a URL; each image has its own"
    if found := _INVISIBLE.search(url):
        return f"it holds an invisible character ({_code(found[0])}), as copied texts do; remove it"
    return None


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"
