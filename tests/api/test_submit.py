"""POST /api/submit: what is accepted, and what is refused with which words."""

import json
import re
import uuid
from typing import Any

import httpx
import pytest

from retailpulse.domain.ids import parse_job_id
from tests.api.jobs import CORNER_SHOP, FORM, MARKET_HALL, NOWHERE, RunningApi, body, photo, post, visit
from tests.origin import Origin, Reply
from tests.running import RunningService

SAMPLE = """{"count": 2,
 "visits": [
   {"store_id": "RP00001",
    "image_url": ["https://photos.example/a.jpg", "https://photos.example/b.jpg"],
    "visit_time": "2026-11-20T10:00:00Z"},
   {"store_id": "RP00002",
    "image_url": ["https://photos.example/c.jpg"],
    "visit_time": "time of store visit"}]}"""


def refused(answer: httpx.Response, status: int = 400) -> str:
    """The text of a refusal, which has no other field."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()
    assert list(said) == ["error"]
    return str(said["error"])


@pytest.mark.parametrize("path", ["/api/submit", "/api/submit/"])
def test_the_published_sample_is_accepted_word_for_word(service: RunningService, path: str) -> None:
    answer = post(service, SAMPLE, path)
    assert answer.status_code == 201, answer.text
    assert list(answer.json()) == ["job_id"]
    job_id = answer.json()["job_id"]
    assert service.finished(job_id)["causes"] == {"dns": 3}
    status = service.http.get("/api/status", params={"jobid": job_id}).json()
    assert status["status"] == "failed"
    assert [failure["store_id"] for failure in status["error"]] == ["RP00001", "RP00002"]
    assert [result["visit_time"] for result in service.results(job_id)] == [
        "2026-11-20T10:00:00Z",
        "2026-11-20T10:00:00Z",
        "time of store visit",
    ]


def test_a_job_id_is_a_uuid_of_version_7_and_later_ones_sort_after(service: RunningService) -> None:
    first, second = (post(service, body(visit())).json()["job_id"] for _ in range(2))
    assert parse_job_id(first) == uuid.UUID(first)
    assert uuid.UUID(first).version == 7
    assert first[:13] <= second[:13]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data", "", "?"])
def test_any_content_type_is_accepted(service: RunningService, content_type: str) -> None:
    answer = service.http.post(
        "/api/submit", content=json.dumps(body(visit())), headers={"Content-Type": content_type}
    )
    assert answer.status_code == 201, answer.text


def test_a_body_without_content_type_or_known_length_is_accepted(service: RunningService) -> None:
    pieces = iter([json.dumps(body(visit())).encode()])
    assert service.http.post("/api/submit", content=pieces).status_code == 201


def test_fields_that_nobody_knows_are_accepted(service: RunningService) -> None:
    known = visit() | {"store_name": "Corner Shop", "tags": [{"a": None}]}
    assert post(service, body(known, callback={"url": 1}, version=2.5)).status_code == 201


def test_a_byte_order_mark_is_ignored(service: RunningService) -> None:
    assert post(service, b"\xef\xbb\xbf" + json.dumps(body(visit())).encode()).status_code == 201


@pytest.mark.parametrize("depth", ["header", "download", "decode"])
def test_a_job_may_say_how_deep_it_is_looked_at(service: RunningService, depth: str) -> None:
    job_id = post(service, body(visit(), depth=depth)).json()["job_id"]
    assert service.job(job_id)["depth"] == depth


def test_without_a_depth_the_configured_one_is_taken(service: RunningService) -> None:
    for fields in ({}, {"depth": None}):
        assert service.job(service.submit([visit()], **fields))["depth"] == "decode"


@pytest.mark.parametrize("depth", ["deep", "", "HEADER", 1, ["decode"]])
def test_an_unknown_depth_is_refused(service: RunningService, depth: Any) -> None:
    assert refused(post(service, body(visit(), depth=depth))).startswith("depth: ")


@pytest.mark.parametrize(("sent", "kept"), [(100, 100), (-100, -100), (7.0, 7), (0, 0), (None, 0)])
def test_a_job_may_say_its_priority(service: RunningService, sent: float | None, kept: int) -> None:
    job_id = post(service, body(visit(), priority=sent)).json()["job_id"]
    assert service.job(job_id)["priority"] == kept


@pytest.mark.parametrize("priority", [101, -101, 1e9, 0.5, "5", "", True, [1], {}])
def test_a_priority_that_is_none_is_refused(service: RunningService, priority: Any) -> None:
    assert refused(post(service, body(visit(), priority=priority))).startswith("priority: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "count=1",
        "{",
        '{"count": 1,}',
        "{'count': 1}",
        '{"count": NaN}',
        "\0",
        SAMPLE + "x",
        SAMPLE[:-1],
    ],
)
def test_what_is_not_json_is_refused(service: RunningService, text: str) -> None:
    assert refused(post(service, text)).startswith("the body is not JSON in UTF-8: ")


@pytest.mark.parametrize(
    "raw", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", rb"\ud800", rb"\udc00", rb"\ud800\u0041", rb"\udc00\ud800"]
)
@pytest.mark.parametrize("field", ["store_id", "visit_time", "image_url"])
def test_text_that_is_not_unicode_is_refused(service: RunningService, raw: bytes, field: str) -> None:
    text = json.dumps(body(visit() | {field: ["@@"] if field == "image_url" else "@@"})).encode()
    assert refused(post(service, text.replace(b"@@", raw))).startswith("the body is not JSON in UTF-8: ")


def test_utf_16_is_refused(service: RunningService) -> None:
    assert "UTF-8" in refused(post(service, SAMPLE.encode("utf-16")))


@pytest.mark.parametrize("depth", [2_000, 100_000])
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_deep_nesting_is_refused_and_harmless(service: RunningService, pair: str, depth: int) -> None:
    nested = "[" * depth + "]" * depth if pair == "[]" else '{"a":' * depth + "1" + "}" * depth
    assert refused(post(service, f'{{"count": 1, "visits": {nested}}}'))
    answer = post(service, f'{{"extra": {nested}, {json.dumps(body(visit()))[1:]}')
    if depth > 2_000 or answer.status_code != 201:  # Python 3.13 goes deeper, in a field that nobody reads
        assert refused(answer) == "the body is nested too deep"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[]", "the body: Expected an object, got a list"),
        ("null", "the body: Expected an object, got null"),
        ('"count"', "the body: Expected an object, got a string"),
        ("{}", "the body: Object missing required field `count`"),
        ('{"visits": []}', "the body: Object missing required field `count`"),
        ('{"count": 1}', "the body: Object missing required field `visits`"),
        ('{"count": 0, "visits": []}', "visits: there is no visit; a job needs at least one"),
        ('{"count": 1, "visits": null}', "visits: Expected a list, got null"),
        ('{"count": 1, "visits": {}}', "visits: Expected a list, got an object"),
        ('{"count": 1, "visits": "RP00001"}', "visits: Expected a list, got a string"),
        ('{"count": 1, "visits": [null]}', "visits[0] (visit 1): Expected an object, got null"),
        ('{"count": 1, "visits": [[]]}', "visits[0] (visit 1): Expected an object, got a list"),
    ],
)
def test_a_body_without_visits_is_refused_with_the_reason(
    service: RunningService, text: str, error: str
) -> None:
    assert refused(post(service, text)) == error


@pytest.mark.parametrize("count", ["0", "2", "-1", "-0", "1" + "0" * 30])
def test_a_count_that_is_not_the_number_of_visits_is_refused(service: RunningService, count: str) -> None:
    text = f'{{"count": {count}, "visits": [{json.dumps(visit())}]}}'
    assert refused(post(service, text)).startswith("count does not match ")


@pytest.mark.parametrize(
    "count", ['"1"', "1.0", "1.5", "1e0", "true", "null", "1e400", "-1e400", "[]", "[1]", "{}", '""']
)
def test_a_count_that_is_no_whole_number_is_refused(service: RunningService, count: str) -> None:
    text = f'{{"count": {count}, "visits": [{json.dumps(visit())}]}}'
    assert refused(post(service, text)).startswith("count: ")


WRONG_FOR_ALL: list[Any] = [None, 1, 1.5, True, {}, {"a": 1}]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("store_id", value) for value in (*WRONG_FOR_ALL, "", [], ["RP00001"], "RP\0")),
        *(("visit_time", value) for value in (*WRONG_FOR_ALL, "", [], ["2026-11-20"], "\0")),
        *(("image_url", value) for value in (*WRONG_FOR_ALL, "", [], NOWHERE)),
    ],
)
def test_a_wrong_field_is_named_with_its_visit(service: RunningService, field: str, value: Any) -> None:
    error = refused(post(service, body(visit(), visit(), visit() | {field: value}, visit())))
    assert re.match(rf"visits\[2\]\.{field} \(visit 3\): .+", error), error


@pytest.mark.parametrize("field", ["store_id", "visit_time", "image_url"])
def test_a_missing_field_is_named_with_its_visit(service: RunningService, field: str) -> None:
    lacking = {name: value for name, value in visit().items() if name != field}
    error = refused(post(service, body(visit(), lacking)))
    assert error == f"visits[1] (visit 2): Object missing required field `{field}`"


@pytest.mark.parametrize("url", [None, 1, True, "", [], {}, "http://a.example/\0"])
def test_a_wrong_url_is_named_with_its_place_and_visit(service: RunningService, url: Any) -> None:
    error = refused(post(service, body(visit(), visit() | {"image_url": [NOWHERE, NOWHERE, url]})))
    assert re.match(r"visits\[1\]\.image_url\[2\] \(visit 2\): .+", error), error


def test_a_refused_job_leaves_no_visit_behind(service: RunningService) -> None:
    before = service.http.get("/api/visits", params={"storeid": MARKET_HALL}).json()
    refused(post(service, body(visit(MARKET_HALL), visit(MARKET_HALL) | {"image_url": []})))
    refused(post(service, body(visit(MARKET_HALL), count=2)))
    assert service.http.get("/api/visits", params={"storeid": MARKET_HALL}).json() == before


def test_a_store_id_of_a_megabyte_is_accepted_and_ends_as_not_found(service: RunningService) -> None:
    store_id = "Größe-" * 150_000
    job_id = service.submit([visit(store_id, NOWHERE, NOWHERE), visit(CORNER_SHOP)])
    service.finished(job_id)
    failures = service.http.get("/api/status", params={"jobid": job_id}).json()["error"]
    assert failures[0] == {
        "store_id": store_id,
        "error": f"store_id_not_found: 2 of 2 images, e.g. {NOWHERE}: the store master has no such store",
    }
    assert [result["store_id"] for result in service.results(job_id)] == [store_id, store_id, CORNER_SHOP]


@pytest.mark.parametrize("blank", [" ", "  \t", "\u00a0"])
def test_blank_texts_are_kept_word_for_word(service: RunningService, blank: str) -> None:
    job_id = service.submit([visit(blank, blank, at=blank)])
    service.finished(job_id)
    (result,) = service.results(job_id)
    assert (result["store_id"], result["image_url"], result["visit_time"]) == (blank, blank, blank)


def test_duplicate_stores_and_urls_all_get_a_result(service: RunningService, origin: Origin) -> None:
    url = origin.serve("/twice.png", Reply(body=photo(40, 20)))
    twice = visit(MARKET_HALL, url, url)
    job_id = service.submit([twice, visit(CORNER_SHOP, NOWHERE, url), twice, visit(CORNER_SHOP, NOWHERE)])
    service.finished(job_id)
    outcomes = [result["outcome"] for result in service.results(job_id)]
    assert outcomes == ["measured", "measured", "failed", "measured", "measured", "measured", "failed"]
    failures = service.http.get("/api/status", params={"jobid": job_id}).json()["error"]
    assert [failure["store_id"] for failure in failures] == [CORNER_SHOP]
    assert failures[0]["error"].startswith("failed_to_download_image: 2 of 3 images, e.g. ")


def test_text_of_every_script_is_kept_word_for_word(service: RunningService) -> None:
    scripts = "Ωμέγα 東京 🏪 e\u0301 \u2028 \u202e \x01 \x7f \ufffe \\ \" ' , ; \n\r\t"
    job_id = service.submit([visit(scripts, scripts, at=scripts)])
    service.finished(job_id)
    (result,) = service.results(job_id)
    trimmed = scripts.rstrip()  # ids alone: what the store master has, has no blanks around it
    assert (result["store_id"], result["image_url"], result["visit_time"]) == (trimmed, scripts, scripts)
    assert service.http.get("/api/status", params={"jobid": job_id}).json()["error"][0]["store_id"] == trimmed


def test_escaped_and_raw_spellings_are_the_same_text(service: RunningService) -> None:
    raw, escaped = (json.dumps(body(visit("🏪")), ensure_ascii=escape) for escape in (False, True))
    assert raw != escaped
    jobs = [post(service, text.encode()).json()["job_id"] for text in (raw, escaped)]
    assert [service.results(job_id)[0]["store_id"] for job_id in jobs] == ["🏪", "🏪"]


@pytest.mark.parametrize("length_known", [True, False])
@pytest.mark.parametrize("size_bytes", [20_001, 20_000_000])
def test_a_body_over_the_limit_is_refused(strict: RunningApi, size_bytes: int, length_known: bool) -> None:
    raw = b" " * size_bytes
    content = raw if length_known else iter([raw])
    assert "larger" in refused(strict.http.post("/api/submit", content=content, headers=FORM), 413)


def test_a_body_at_the_limit_is_accepted(strict: RunningApi) -> None:
    assert post(strict, json.dumps(body(visit())).ljust(20_000)).status_code == 201


def test_too_many_images_are_refused_with_both_numbers(strict: RunningApi) -> None:
    assert post(strict, body(visit(CORNER_SHOP, NOWHERE, NOWHERE), visit())).status_code == 201
    error = refused(post(strict, body(visit(CORNER_SHOP, NOWHERE, NOWHERE), visit(), visit())), 413)
    assert error == "the job has 4 images, more than 3: split it into several jobs"


def test_a_job_that_is_read_in_a_thread_is_answered_alike(service: RunningService) -> None:
    visits = [visit(CORNER_SHOP, f"{NOWHERE} {number}", at="x" * 200) for number in range(2_000)]
    job_id = service.submit(visits)
    assert service.finished(job_id)["images"]["total"] == 2_000
    visits[1_234]["store_id"] = ""
    assert refused(post(service, body(*visits))) == "visits[1234].store_id (visit 1235): it is empty"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_refused_and_told_which_is_right(service: RunningService, method: str) -> None:
    answer = service.http.request(method, "/api/submit")
    assert refused(answer, 405)
    assert "POST" in answer.headers["allow"]
