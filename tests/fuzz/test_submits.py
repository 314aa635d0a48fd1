"""Bodies of submits: what is accepted says what was written, however it is cut, and no row more reaches COPY.

Readers of large bodies are judged by the one of small bodies, gzip by the standard library's.
"""

import asyncio
import gzip
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailpulse.api.submit import parse_large_json
from retailpulse.api.submit.parse_json import LegacyForm, NewForm, read_submission
from retailpulse.api.submit.parse_large_json import read_large
from retailpulse.api.submit.parse_rows import RowFormat, read_rows
from retailpulse.api.submit.request_body import WRITE_BYTES, unpacked
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import JobOptions
from retailpulse.fetch import origin_key
from retailpulse.storage.jobs.spool import Spool
from tests.fuzz.cases import CaseCounter, share
from tests.fuzz.submits import (
    CSV_VISITS,
    DAMAGE_SEEDS,
    PLAIN,
    SEEDS,
    VISITS,
    VisitRow,
    as_csv,
    as_json,
    as_ndjson,
    damaged,
    packed,
)

MAX_IMAGES = 100
MOST_BYTES = 2_000_000
MakeForm = Callable[[], LegacyForm | NewForm]


def legacy_form() -> LegacyForm:
    return LegacyForm(Depth.HEADER)


def new_form() -> NewForm:
    return NewForm(JobOptions(depth=Depth.DECODE))


FORMS: tuple[MakeForm, ...] = (legacy_form, new_form)
STRICTER = re.compile("more than once|without escapes|nested too deep|cannot be read apart|malformed after")
"""Reasons that only a large body is refused for."""
_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
_blocks = st.sampled_from((1, 2, 7, 64, 300, parse_large_json.BLOCK_BYTES))
forms = st.sampled_from(FORMS)


def read_back(fill: Callable[[Spool], object]) -> list[VisitRow]:
    """What COPY would read of a spool that is filled; each image must be one row of five columns."""
    with Spool(None, origin_key) as spool:
        fill(spool)
        rows = [row for block in spool.visit_blocks() for row in json.loads(block)]
        *lines, end = b"".join(iter(spool.read_images, b"")).decode().split("\n")
        assert end == ""
        assert (len(rows), len(lines)) == (spool.visits, spool.images)
    cells = [line.split("\t") for line in lines]
    assert all(len(row) == 5 and "\r" not in row[3] for row in cells)
    assert [int(row[1]) for row in cells] == list(range(1, len(lines) + 1))
    urls: dict[int, list[str]] = {}
    for _, _, visit_no, url, _ in cells:
        urls.setdefault(int(visit_no), []).append(_ESCAPED.sub(lambda found: _MEANT[found[1]], url))
    return [(row["store_id"], row["visit_time"], tuple(urls[row["visit_no"]])) for row in rows]


def check_message(error: InvalidRequest) -> None:
    assert 0 < len(str(error)) < 1_000
    assert "Traceback" not in str(error)


def in_one(body: bytes, form: MakeForm) -> list[VisitRow]:
    submission = read_submission(body, form(), max_images=MAX_IMAGES)
    return [(one.store_id, one.visit_time, one.image_urls) for one in submission.visits]


def in_pieces(body: bytes, form: MakeForm, block_bytes: int) -> list[VisitRow]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse_large_json, "BLOCK_BYTES", block_bytes)
        return read_back(lambda spool: read_large(io.BytesIO(body), spool, form(), MAX_IMAGES))


@share(0.02)
@given(visits=VISITS, seed=SEEDS, form=forms, block_bytes=_blocks)
def test_json_says_what_was_written_wherever_it_is_cut(
    counter: CaseCounter, visits: list[VisitRow], seed: int, form: MakeForm, block_bytes: int
) -> None:
    counter.count("bodies of JSON")
    body = as_json(visits, seed, with_unknown=form is legacy_form)
    assert in_one(body, form) == in_pieces(body, form, block_bytes) == visits


@share(0.05)
@given(visits=VISITS, seed=SEEDS, damage=DAMAGE_SEEDS, form=forms, block_bytes=_blocks)
def test_damaged_json_is_the_same_job_in_pieces_or_refused(
    counter: CaseCounter,
    visits: list[VisitRow],
    seed: int,
    damage: list[int],
    form: MakeForm,
    block_bytes: int,
) -> None:
    counter.count("damaged JSON")
    body = damaged(as_json(visits, seed, with_unknown=form is legacy_form), damage)
    whole: list[VisitRow] | None = None
    try:
        whole = in_one(body, form)
    except InvalidRequest as error:
        check_message(error)
    try:
        assert in_pieces(body, form, block_bytes) == whole
    except InvalidRequest as error:
        check_message(error)
        assert whole is None or STRICTER.search(str(error)), error


@share(0.02)
@given(visits=VISITS, seed=SEEDS)
def test_ndjson_says_what_was_written(counter: CaseCounter, visits: list[VisitRow], seed: int) -> None:
    counter.count("bodies of NDJSON")
    assert rows_of(as_ndjson(visits, seed), RowFormat.NDJSON) == visits


@share(0.02)
@given(visits=CSV_VISITS, seed=SEEDS)
def test_csv_says_what_was_written(counter: CaseCounter, visits: list[VisitRow], seed: int) -> None:
    counter.count("bodies of CSV")
    assert rows_of(as_csv(visits, seed), RowFormat.CSV) == visits


@share(0.03)
@given(visits=VISITS, seed=SEEDS, damage=DAMAGE_SEEDS, row_format=st.sampled_from(RowFormat))
def test_damaged_rows_are_a_job_of_whole_visits_or_refused(
    counter: CaseCounter, visits: list[VisitRow], seed: int, damage: list[int], row_format: RowFormat
) -> None:
    counter.count("damaged rows")
    body = damaged((as_csv if row_format is RowFormat.CSV else as_ndjson)(visits, seed), damage)
    try:
        read = rows_of(body, row_format)
    except InvalidRequest as error:
        check_message(error)
        return
    texts = [text for store_id, time, urls in read for text in (store_id, time, *urls)]
    assert read
    assert all(text and "\0" not in text for text in texts)
    assert sum(len(urls) for *_, urls in read) <= MAX_IMAGES


@share(0.02)
@given(plain=PLAIN, seed=SEEDS)
def test_gzip_is_what_was_packed(counter: CaseCounter, plain: bytes, seed: int) -> None:
    counter.count("bodies of gzip")
    body = packed(plain, seed)
    if len(plain) > MOST_BYTES:
        with pytest.raises(InvalidRequest):
            unpack(body, seed)
    else:
        assert unpack(body, seed) == plain


@share(0.02)
@given(plain=PLAIN, seed=SEEDS, damage=DAMAGE_SEEDS)
def test_damaged_gzip_is_what_others_read_or_refused(
    counter: CaseCounter, plain: bytes, seed: int, damage: list[int]
) -> None:
    counter.count("damaged gzip")
    body = damaged(packed(plain, seed), damage)
    try:
        read = unpack(body, seed)
    except InvalidRequest as error:
        check_message(error)
        return
    assert len(read) <= MOST_BYTES
    assert read == gzip.decompress(body)


def rows_of(body: bytes, row_format: RowFormat) -> list[VisitRow]:
    return read_back(lambda spool: read_rows(io.BytesIO(body), row_format, spool, MAX_IMAGES))


def unpack(body: bytes, seed: int) -> bytes:
    """A body that arrives in pieces; what comes out at once is bounded."""
    step = (1_000, 65_536, 1_000_000)[seed % 3]
    pieces = asyncio.run(_unpacked([body[at : at + step] for at in range(0, len(body), step)]))
    assert all(len(piece) <= WRITE_BYTES for piece in pieces)
    return b"".join(pieces)


async def _unpacked(blocks: Sequence[bytes]) -> list[bytes]:
    async def arriving() -> AsyncIterator[bytes]:
        for block in blocks:
            yield block

    return [piece async for piece in unpacked(arriving(), "gzip", MOST_BYTES)]
