"""Answers are compressed for who asks for it, and only where that is of use."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retailpulse.web.middleware.compression import LEAST_BYTES, THREAD_BYTES, accepts_gzip
from tests.api.jobs import CORNER_SHOP, NOWHERE, RunningApi, visit
from tests.running import RunningService


@pytest.fixture(scope="module")
def job_id(service: RunningService) -> str:
    """A job of 2,000 images, of which a page is larger than what is compressed on the event loop."""
    return service.submit([visit("nowhere", *[f"{NOWHERE}{number}" for number in range(2_000)])])


def raw(
    service: RunningService | RunningApi, path: str, accepted: str | None = "gzip"
) -> tuple[httpx.Response, bytes]:
    """An answer with its bytes as they came."""
    headers = {"Accept-Encoding": accepted} if accepted is not None else {}
    with httpx.Client(base_url=service.url, timeout=60) as http:
        del http.headers["accept-encoding"]
        with http.stream("GET", path, headers=headers) as answer:
            return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize(
    ("accepted", "accepts"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("br, *", True),
        ("*;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("br", False),
        ("gzipped", False),
        ("", False),
        ("gzip;q=x", True),
    ],
)
def test_whether_a_client_accepts_gzip_is_read_as_the_rfc_says(accepted: str, accepts: bool) -> None:
    assert accepts_gzip([accepted.encode()]) is accepts
    assert accepts_gzip([b"identity", accepted.encode()]) is accepts


@pytest.mark.parametrize("query", ["limit=1000", "limit=10", "format=csv", "format=ndjson"])
def test_rows_are_compressed_and_are_the_same(service: RunningService, job_id: str, query: str) -> None:
    path = f"/api/v1/jobs/{job_id}/results?{query}"
    plain, plain_bytes = raw(service, path, None)
    packed, packed_bytes = raw(service, path)
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed_bytes) == plain_bytes
    assert len(packed_bytes) < len(plain_bytes) / 4
    assert int(packed.headers.get("content-length", len(packed_bytes))) == len(packed_bytes)
    assert ("content-length" in packed.headers) is ("content-length" in plain.headers)
    assert query != "limit=1000" or len(plain_bytes) > THREAD_BYTES


def test_a_stream_comes_block_by_block(service: RunningService, job_id: str) -> None:
    """Each block can be read before the next one is there."""
    with (
        httpx.Client(base_url=service.url) as http,
        http.stream("GET", f"/api/v1/jobs/{job_id}/results?format=csv") as answer,
    ):
        reader = zlib.decompressobj(31)
        first = reader.decompress(next(answer.iter_raw()))
    assert first.startswith(b"image_no,")


def test_what_is_small_or_no_text_stays_as_it_is(service: RunningService, job_id: str) -> None:
    small, body = raw(service, f"/api/v1/jobs/{job_id}/results?limit=1")
    assert len(body) < LEAST_BYTES
    assert ("content-encoding" in small.headers, small.headers["vary"]) == (False, "Accept-Encoding")
    parquet, body = raw(service, f"/api/v1/jobs/{job_id}/results?format=parquet")
    assert body.startswith(b"PAR1")
    assert not {"content-encoding", "vary"} & parquet.headers.keys()


def test_events_are_not_held_back(service: RunningService, job_id: str) -> None:
    answer, body = raw(service, f"/api/v1/jobs/{job_id}/events")
    assert "content-encoding" not in answer.headers
    assert b"event: end" in body


@pytest.mark.parametrize("path", ["/api/visits?area=7100015", "/api/status?jobid={job_id}"])
def test_the_old_endpoints_are_as_they_were(service: RunningService, job_id: str, path: str) -> None:
    service.submit([visit(CORNER_SHOP) for _ in range(100)])
    answer, _ = raw(service, path.format(job_id=job_id))
    assert (answer.status_code, answer.headers.keys() & {"content-encoding", "vary"}) == (200, set())


def test_head_tells_the_length_of_the_plain_answer(service: RunningService) -> None:
    head = service.http.head("/openapi.json", headers={"Accept-Encoding": "gzip"})
    _, body = raw(service, "/openapi.json", None)
    assert "content-encoding" not in head.headers
    assert int(head.headers["content-length"]) == len(body)


def test_the_tag_of_a_compressed_answer_is_weak_and_is_known_again(service: RunningService) -> None:
    plain, _ = raw(service, "/openapi.json", None)
    packed, _ = raw(service, "/openapi.json")
    assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
    for tag in (plain.headers["etag"], packed.headers["etag"]):
        again = service.http.get("/openapi.json", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")


@pytest.fixture
def crossed(database_url: str, tmp_path: Path) -> Iterator[RunningApi]:
    """An API whose answers pages of another origin may read."""
    api = RunningApi(tmp_path, database_url, {"RETAILPULSE_API_CORS_ORIGINS": "https://app.example"})
    yield api.wait_until_ready()
    api.stop()


def test_an_answer_varies_by_both_origin_and_coding(crossed: RunningApi) -> None:
    answer = crossed.http.get("/openapi.json", headers={"Origin": "https://app.example"})
    assert answer.headers.get_list("vary", split_commas=True) == ["Accept-Encoding", "Origin"]
    assert answer.headers["content-encoding"] == "gzip"
