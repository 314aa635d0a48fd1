"""The photos of a job as a grid: by how they ended, by cause, flag and store; each filter as a download."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.dashboard import words
from retailpulse.dashboard.job import curl_of, frame_of, parse_job_id
from retailpulse.dashboard.places import read_photo_place, write_photo_place
from retailpulse.dashboard.queries import address_of
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Cause, Depth, Outcome
from retailpulse.schema import FlaggedPhoto, Result
from retailpulse.service import JobReports, Photos, Results
from retailpulse.storage.results.pages import PageFormat, ResultFilter, ResultForm
from retailpulse.storage.results.photos import PhotoFilter

TILES = 60
WINDOWS = 3
"""How many windows of images one page looks at for rare ones; the next page goes on there."""
WINDOWS_OF_STORES = 4
"""The same for photos of a store, of which each window finds the visits by an index: a million images."""
FORMATS = {"csv": "CSV", "xlsx": "Excel", "ndjson": "NDJSON", "parquet": "Parquet"}
_ROW = msgspec.json.Decoder(Result)
_FLAGGED_ROW = msgspec.json.Decoder(FlaggedPhoto)
_FORM = ResultForm(page_format=PageFormat.JSON_ROWS)
_MOST_NO = 2**31
_ONLY = ("failed", "measured", "flagged", "waiting")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Which photos of a job are asked for; an empty text asks for nothing."""

    only: str = ""
    cause: str = ""
    flag: str = ""
    store: str = ""

    @property
    def given(self) -> dict[str, str]:
        """What is asked for, as it stands in addresses."""
        named = {"only": self.only, "cause": self.cause, "flag": self.flag, "store": self.store}
        return {name: value for name, value in named.items() if value}

    @property
    def is_of_flags_alone(self) -> bool:
        """Whether flags are all that is asked for: then photos are listed by them."""
        return not (self.cause or self.store) and (
            (bool(self.flag) and not self.only) or (self.only == "flagged" and not self.flag)
        )

    @property
    def flags(self) -> tuple[Flag, ...]:
        """The flags of which a photo must have one."""
        return (Flag(self.flag),) if self.flag else tuple(Flag) if self.only == "flagged" else ()

    @property
    def wanted(self) -> ResultFilter:
        """The same for storage."""
        return ResultFilter(
            outcomes={"failed": (Outcome.FAILED,), "measured": (Outcome.MEASURED,)}.get(self.only, ()),
            unsettled=self.only == "waiting",
            causes=(Cause(self.cause),) if self.cause else (),
            flags=self.flags,
            store_ids=(self.store,) if self.store else (),
        )

    def address(self, path: str, **more: str) -> str:
        """An address with these photos in its query."""
        return address_of(path, self.given | more)

    def exported(self, path: str, name: str) -> str:
        """The address of the API that gives these rows as a file."""
        query = [("format", name)] + ([("safe", "spreadsheet")] if name == "csv" else [])
        if self.only in {"failed", "measured"}:
            query.append(("outcome", self.only))
        if self.only == "waiting":
            query.append(("outcome", "unsettled"))
        query += [("cause", self.cause)] if self.cause else []
        query += [("flag", str(flag)) for flag in self.flags]
        query += [("store_id", self.store)] if self.store else []
        return f"{path}?{urlencode(query, quote_via=quote)}"


def asked_of(query: dict[str, str]) -> Asked:
    """What an address asks for; a word that there is none of asks for nothing."""
    only, cause, flag = query.get("only", ""), query.get("cause", ""), query.get("flag", "")
    return Asked(
        only=only if only in _ONLY else "",
        cause=cause if cause in set(Cause) else "",
        flag=flag if flag in set(Flag) else "",
        store=query.get("store", "").replace("\0", ""),
    )


@get("/jobs/{job_id:str}", include_in_schema=False)
async def job_photos(
    request: AnyRequest,
    job_reports: JobReports,
    results: Results,
    photos: Photos,
    job_id: str,
    after: Annotated[str, QueryParameter(name="after")] = "",
) -> Response[bytes]:
    """The photos of a job, by how they ended."""
    known = parse_job_id(job_id)
    brief = await job_reports.brief(known)
    asked = asked_of(dict(request.query_params))
    path = f"/jobs/{known}"
    found: Sequence[Result | FlaggedPhoto]
    if asked.is_of_flags_alone:
        found, following = await _flagged(photos, known, asked, after)
    else:
        found, following = await _settled(results, known, asked, after)
    return page(
        request,
        "job_photos.html",
        **frame_of(brief, "photos"),
        photos=[(str(known), photo, words.alt(photo)) for photo in found],
        has_pictures=brief.job.depth == Depth.DECODE,
        asked=asked,
        next_page=asked.address(path, after=following) if following else None,
        set_of=_set_of(asked, brief.job.causes, brief.job.flags, brief.job.images.failed),
        said=said_of(request),
        **downloads(request, asked, str(known)),
    )


def downloads(request: AnyRequest, asked: Asked, job_id: str) -> dict[str, Any]:
    """Where the rows of a job are to be had as files: all, and those that are asked for."""
    path = f"/api/v1/jobs/{job_id}/results"
    return {
        "all_files": {text: Asked().exported(path, name) for name, text in FORMATS.items()},
        "asked_files": {text: asked.exported(path, name) for name, text in FORMATS.items()}
        if asked.given
        else {},
        "curl": curl_of(request, asked.exported(path, "csv"), file=f"{job_id}.csv"),
    }


def said_of(request: AnyRequest) -> str | None:
    """What was done to a whole set before this page, by the numbers in its address."""
    query = request.query_params
    numbers = [query.get(name, "") for name in ("decided", "refused")]
    if not all(text.isascii() and text.isdigit() and len(text) < 7 for text in numbers):
        return None
    decided, refused = map(int, numbers)
    text = f"{decided:,} photo{'s are' if decided != 1 else ' is'} decided on."
    if refused:
        text += f" {refused:,} {'were' if refused > 1 else 'was'} left as another person has decided."
    return text + (" There are more: decide again for the next." if query.get("more") else "")


def _set_of(asked: Asked, causes: dict[str, int], flags: dict[str, int], failed: int) -> dict[str, Any]:
    """What can be done with all photos that are asked for, not only those of this page: how many they are."""
    retried = decided = 0
    if asked.cause and asked.cause != Cause.CANCELLED and asked.only in {"", "failed"}:
        retried = causes.get(asked.cause, 0)
    elif asked.only == "failed" and not asked.cause:
        retried = failed
    elif asked.is_of_flags_alone and asked.flag:
        decided = flags.get(asked.flag, 0)
    if asked.store or (retried and asked.flag):
        retried = 0
    return {"retry": retried, "decide": decided, "flag": asked.flag, "query": urlencode(asked.given)}


async def _settled(
    results: Results, job_id: UUID, asked: Asked, after: str
) -> tuple[list[Result], str | None]:
    number = int(after) if after.isascii() and after.isdigit() and len(after) <= 10 else 0
    number = number if number < _MOST_NO else 0
    windows = WINDOWS_OF_STORES if asked.store else WINDOWS
    lines, following = await results.page(
        job_id, asked.wanted, _FORM, after=number, limit=TILES, windows=windows
    )
    return [_ROW.decode(line) for line in lines], None if following is None else str(following)


async def _flagged(
    photos: Photos, job_id: UUID, asked: Asked, after: str
) -> tuple[list[FlaggedPhoto], str | None]:
    wanted = PhotoFilter(job_ids=(job_id,), flags=asked.flags)
    lines, following = await photos.page(wanted, after=read_photo_place(after), limit=TILES)
    found = [_FLAGGED_ROW.decode(line) for line in lines]
    return found, None if following is None else write_photo_place(following)
