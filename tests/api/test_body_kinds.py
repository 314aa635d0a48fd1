"""POST /api/v1/jobs reads what people send, whatever its Content-Type says: JSON, lines of it, and tables."""

import gzip
import json
import uuid
from typing import Any

import pytest

from tests.api.jobs import CORNER_SHOP, NOWHERE, problem, visit
from tests.api.test_rows import CSV, HEADER, accepted, post, visits_of
from tests.running import RunningService
from tests.tables.workbooks import xlsx

ROWS = f"{HEADER}{CORNER_SHOP},{NOWHERE},noon\n"
DOCUMENT = json.dumps({"visits": [visit(CORNER_SHOP, NOWHERE, at="noon")]})
LINE = json.dumps(visit(CORNER_SHOP, NOWHERE, at="noon"))
EXPECTED = [(CORNER_SHOP, "noon", [NOWHERE])]
TYPES = [
    "text/csv", "application/vnd.ms-excel", "text/plain", "application/csv", "application/octet-stream",
    "application/x-www-form-urlencoded", "", "*/*", "text/csv; charset=utf-16", "application/json; nonsense",
    "application/json", "application/vnd.api+json", "application/x-ndjson",
]  # fmt: skip
BOOK = xlsx({"Visits": [HEADER.strip().split(","), [CORNER_SHOP, NOWHERE, "noon"]]})


@pytest.mark.parametrize("media_type", TYPES)
def test_the_bytes_say_what_a_body_is(service: RunningService, media_type: str) -> None:
    bodies = {
        "CSV": ROWS.encode(),
        "semicolons": ROWS.replace(",", ";").encode(),
        "UTF-16": ROWS.encode("utf-16"),
        "gzip": gzip.compress(ROWS.encode()),
        "XLSX": BOOK,
        "JSON": DOCUMENT.encode(),
        "lines of JSON": f"{LINE}\n".encode(),
    }
    if media_type == "application/x-ndjson":
        del bodies["JSON"]  # a document of many lines looks like lines that are broken
    for name, body in bodies.items():
        assert visits_of(service, accepted(post(service, body, media_type))) == EXPECTED, name


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/vnd.api+json", "application/x-ndjson"]
)
def test_what_is_nearly_json_is_refused_as_json(service: RunningService, media_type: str) -> None:
    for body in (DOCUMENT[:-1], f"\n {DOCUMENT[:-1]}", "\ufeff" + DOCUMENT[:-1], "nonsense"):
        detail = problem(post(service, body, media_type), 400, "invalid-request")["detail"]
        assert "not JSON" in detail, body
    assert problem(post(service, DOCUMENT.encode("utf-16"), media_type), 400, "invalid-request")


def test_a_bad_line_before_others_leaves_rows_of_json_what_they_are(service: RunningService) -> None:
    body = f"nonsense\n{LINE}\n"
    answer = post(service, body, "application/x-ndjson", on_bad_row="skip")
    assert visits_of(service, accepted(answer)) == EXPECTED


@pytest.mark.parametrize("media_type", TYPES)
def test_an_empty_body_is_called_so(service: RunningService, media_type: str) -> None:
    for body in (b"", b" \r\n", b"\xef\xbb\xbf"):
        assert (
            problem(post(service, body, media_type), 400, "invalid-request")["detail"] == "the body is empty"
        )


def test_an_empty_file_of_a_form_is_called_so(service: RunningService) -> None:
    answer = service.http.post("/api/v1/jobs", files={"file": ("visits.csv", b"", "text/csv")})
    assert problem(answer, 400, "invalid-request")["detail"] == "the file is empty"


def test_a_file_whose_line_breaks_curl_has_dropped_is_refused_with_advice(service: RunningService) -> None:
    answer = post(service, ROWS.replace("\n", ""), "application/x-www-form-urlencoded")
    assert "--data-binary" in problem(answer, 400, "invalid-request")["detail"]


def test_columns_may_be_called_and_named_as_people_do(service: RunningService) -> None:
    text = "Sep visits;;;\n;;;\nOutlet Code;Photo;Date;Remark\nS;u1;noon;x\n;;;\nS;u2;noon;\n"
    assert visits_of(service, accepted(post(service, text))) == [("S", "noon", ["u1", "u2"])]
    text = "who,what,when\nS,u1,noon\n"
    detail = problem(post(service, text), 400, "invalid-request")["detail"]
    assert "columns=" in detail
    query: dict[str, Any] = {"columns": ["store_id:who", "image_url:B,visit_time:when"]}
    assert visits_of(service, accepted(post(service, text, **query))) == [("S", "noon", ["u1"])]
    assert "columns:" in problem(post(service, text, columns="x"), 400, "invalid-request")["detail"]


def test_how_a_table_is_read_belongs_to_the_request(service: RunningService) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    text = "a,b,c,d\nS,u1,noon,u2\n"
    first: dict[str, Any] = {"columns": "store_id:a,image_url:b,visit_time:c"}
    assert post(service, text, CSV, key, **first).status_code == 201
    other: dict[str, Any] = {"columns": "store_id:a,image_url:d,visit_time:c"}
    problem(post(service, text, CSV, key, **other), 409, "conflict")


def test_a_sheet_is_named(service: RunningService) -> None:
    assert visits_of(service, accepted(post(service, BOOK, sheet="Visits"))) == EXPECTED
    assert "Visits" in problem(post(service, BOOK, sheet="Stores"), 400, "invalid-request")["detail"]


def test_several_urls_in_one_cell_are_several_images(service: RunningService) -> None:
    a, b = "http://127.0.0.1:1/a,1;2.jpg", "https://b.example/b.jpg"
    rows = f'S,"{a}, {b}",noon\nS,"{a}\n{b}",one\nS,{a.replace(",", "")};{b},two\n'
    assert visits_of(service, accepted(post(service, HEADER + rows))) == [
        ("S", "noon", [a, b]), ("S", "one", [a, b]), ("S", "two", [a.replace(",", ""), b]),
    ]  # fmt: skip


def test_dates_with_day_and_month_are_read_in_the_order_that_is_said(service: RunningService) -> None:
    rows = f"{HEADER}S,{NOWHERE},03/04/2026\nS,{NOWHERE},25/11/2026\nS,{NOWHERE},noon\n"
    told = post(service, rows).json()
    assert [(one["code"], one["count"], one["example"], one["line"]) for one in told["warnings"][1:3]] == [
        ("visit_time_ambiguous", 2, "03/04/2026", 2), ("visit_time_unreadable", 1, "noon", 4),
    ]  # fmt: skip
    assert "date_order" in told["warnings"][1]["detail"]
    assert told["visits_without_time"] == 3
    told = post(service, rows, date_order="day-first").json()
    assert (told["visits_without_time"], told["warnings"][1]["count"]) == (1, 1)
    answer = post(
        service, DOCUMENT.replace("noon", "03/04/2026"), "application/json", date_order="month-first"
    )
    assert answer.json()["visits_without_time"] == 0
    assert "date_order" in problem(post(service, rows, date_order="x"), 400, "invalid-request")["detail"]


def test_a_date_that_is_ambiguous_is_the_example_of_those_that_are(service: RunningService) -> None:
    rows = f"{HEADER}S,{NOWHERE},19/11/2026\nS,{NOWHERE},03/04/2026\nS,{NOWHERE},05/06/2026\n"
    warning = post(service, rows).json()["warnings"][1]
    assert (warning["count"], warning["example"], warning["line"]) == (3, "03/04/2026", 3)
    warning = post(service, f"{HEADER}S,{NOWHERE},19/11/2026\n").json()["warnings"][1]
    assert (warning["code"], warning["example"]) == ("visit_time_ambiguous", "19/11/2026")


@pytest.mark.parametrize(
    ("order", "date", "why"),
    [
        ("month-first", "20/11/2026", "20/11/2026 has no month 20: it is day-first"),
        ("day-first", "11/20/2026", "11/20/2026 has no month 20: it is month-first"),
        ("month-first", "Fri 03/04/2026", "Fri 03/04/2026 is day-first"),
    ],
)
def test_a_date_of_the_other_order_is_told_to_be_so(
    service: RunningService, order: str, date: str, why: str
) -> None:
    warning = post(service, f"{HEADER}S,{NOWHERE},{date}\n", date_order=order).json()["warnings"][1]
    assert warning["detail"] == f"these dates have no instant with date_order={order}: {why}"
    assert "until" not in warning["detail"]


def test_a_cell_that_is_no_url_at_all_is_told_so(service: RunningService) -> None:
    for cell in ("see photo", "not a url", "photos.example/a b.jpg", "see\x0bphoto"):
        told = problem(post(service, f'{HEADER}S,"{cell}",noon\n'), 400, "invalid-request")["detail"]
        assert told.startswith("line 2: image_url: it is no URL: it must begin with http:// or https://"), (
            cell
        )
    told = problem(post(service, f"{HEADER}S,http://h/a b,noon\n"), 400, "invalid-request")["detail"]
    assert "write %20 within a URL" in told


def test_a_form_brings_a_file_and_what_else_is_to_be_said(service: RunningService) -> None:
    fields = {"name": "from a form", "priority": "7", "label": "region:north"}
    for name, content in {
        "visits.csv": ROWS.encode(),
        "visits.xlsx": BOOK,
        "visits.json": DOCUMENT.encode(),
    }.items():
        files = {"file": (name, content, "application/octet-stream")}
        answer = service.http.post("/api/v1/jobs", data=fields, files=files, params={"depth": "header"})
        assert visits_of(service, accepted(answer)) == EXPECTED
        job = answer.json()
        assert (job["name"], job["priority"], job["labels"]) == ("from a form", 7, {"region": "north"})
        assert job["depth"] == "header"


def test_a_form_is_the_same_request_whatever_its_boundary_is(service: RunningService) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    jobs = [
        accepted(service.http.post("/api/v1/jobs", files={"file": ("v.csv", ROWS)}, headers=key))
        for _ in range(2)
    ]
    assert jobs[0] == jobs[1]


def test_a_form_that_cannot_be_accepted_is_refused(service: RunningService) -> None:
    file = {"file": ("v.csv", ROWS)}
    for fields, files, says in (
        ({"prioritty": "1"}, file, "did you mean priority?"),
        ({"dry_run": "perhaps"}, file, "dry_run"),
        ({"name": "x"}, {}, "no file"),
    ):
        boundary = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = (
            service.http.post("/api/v1/jobs", data=fields, files=files)
            if files
            else service.http.post(
                "/api/v1/jobs",
                content=b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--x--\r\n',
                headers=boundary,
            )
        )
        assert says in problem(answer, 400, "invalid-request")["detail"]
