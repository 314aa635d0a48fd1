"""The columns of a sender come back with the results, beside the visit, and the store and its area."""

import csv
import io
import json
from typing import Any

import pytest
from arro3.io import read_parquet

from tests.api.jobs import CORNER_SHOP, NOWHERE, problem, visit
from tests.api.test_rows import CSV, HEADER, NDJSON, accepted, post
from tests.running import RunningService

JSON = "application/json"
SHOP, AREA = "Corner Shop, Harbour Street", "7100015"
OTHER = "not-a-URL-either"
OWN = {"Route": "north 4", "Remark": 'a "b", =1;=2\nü'}
TABLE = (
    "store_id,image_url,visit_time,Route,Empty,Remark\n"
    f'{CORNER_SHOP},{NOWHERE},noon,north 4,,"a ""b"", =1;=2\nü"\n'
    f"{CORNER_SHOP},{OTHER},noon,,,\n"
    f"nobody's,{OTHER},noon,south,,\n"
)
EXPECTED = [OWN, None, {"Route": "south"}]


def extras(service: RunningService, job_id: str) -> list[Any]:
    return [result["extra"] for result in service.results(job_id)]


@pytest.fixture(scope="module")
def job_id(service: RunningService) -> str:
    job_id = accepted(post(service, TABLE))
    service.finished(job_id)
    return job_id


def exported(service: RunningService, job_id: str, **query: str) -> bytes:
    answer = service.http.get(f"/api/v1/jobs/{job_id}/results", params=query)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_they_come_back_with_their_own_photo_of_a_visit(service: RunningService) -> None:
    photos = (("x://a", ""), ("x://b", "front"), ("x://c", ""), ("x://d", "back"), ("x://e", ""))
    rows = "".join(f"{CORNER_SHOP},{url},noon,{note}\n" for url, note in photos)
    job_id = accepted(post(service, f"store_id,image_url,visit_time,note\n{rows}"))
    service.finished(job_id)
    found = [(result["image_url"], result["extra"]) for result in service.results(job_id)]
    assert found == [(url, {"note": note} if note else None) for url, note in photos]


def test_they_come_back_in_every_format(service: RunningService, job_id: str) -> None:
    results = service.results(job_id)
    assert [result["extra"] for result in results] == EXPECTED
    assert [result["visit_no"] for result in results] == [1, 1, 2]
    assert [(result["store_name"], result["area"]) for result in results] == [
        (SHOP, AREA), (SHOP, AREA), (None, None),
    ]  # fmt: skip
    lines = exported(service, job_id, format="ndjson").splitlines()
    assert [json.loads(line)["extra"] for line in lines] == EXPECTED
    rows = list(csv.DictReader(io.StringIO(exported(service, job_id, format="csv").decode())))
    assert [json.loads(row["extra"] or "null") for row in rows] == EXPECTED
    assert [row["store_name"] for row in rows] == [SHOP, SHOP, ""]
    table = read_parquet(io.BytesIO(exported(service, job_id, format="parquet"))).read_all()
    assert [json.loads(text or "null") for text in table["extra"].to_pylist()] == EXPECTED
    assert table["area"].to_pylist() == [AREA, AREA, None]
    assert table["visit_no"].to_pylist() == [1, 1, 2]


def test_no_text_of_them_acts_in_a_spreadsheet(service: RunningService, job_id: str) -> None:
    text = exported(service, job_id, format="csv", safe="spreadsheet").decode()
    assert ";'=2" in text
    first = next(csv.DictReader(io.StringIO(text)))
    assert json.loads(first["extra"]) == {**OWN, "Remark": OWN["Remark"].replace(";=", ";'=")}


@pytest.mark.parametrize("query", [{}, {"safe": "spreadsheet"}, {"include": "earlier"}])
@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_an_export_may_be_submitted_again(
    service: RunningService, job_id: str, file_format: str, query: dict[str, str]
) -> None:
    content = exported(service, job_id, format=file_format, **query)
    media_type = CSV if file_format == "csv" else NDJSON
    again = accepted(post(service, content, media_type))
    assert extras(service, again) == EXPECTED


def test_fields_of_json_are_kept_as_texts(service: RunningService) -> None:
    own = {
        "Route": "north 4",
        "Nothing": None,
        "Empty": "",
        "Number": 1.5,
        "Yes": True,
        "List": [1, {"a": None}],
    }
    kept = {"Route": "north 4", "Number": "1.5", "Yes": "true", "List": '[1,{"a":null}]'}
    found = visit(CORNER_SHOP, NOWHERE, OTHER)
    texts = {
        JSON: json.dumps({"visits": [found | {"extra": own}, found]}),
        NDJSON: json.dumps(found | own) + "\n" + json.dumps(found),
    }
    for media_type, text in texts.items():
        assert extras(service, accepted(post(service, text, media_type))) == [kept, kept, None, None]
    large = json.dumps({"visits": [found | {"extra": own}, found | {"visit_time": "x" * 1_100_000}]})
    assert extras(service, accepted(post(service, large, JSON))) == [kept, kept, None, None]


def test_columns_of_the_same_name_are_told_apart(service: RunningService) -> None:
    text = f"store_id,image_url,visit_time,Note,Note,Note (2)\nS,{NOWHERE},noon,a,b,c\n"
    assert extras(service, accepted(post(service, text))) == [
        {"Note": "a", "Note (2)": "b", "Note (2) (2)": "c"}
    ]


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({f"c{number}": "x" for number in range(51)}, "51 columns of its own, more than 50"),
        ({"c": "ü" * 2_100}, "more than 4096 bytes"),
        ({"c": "a\0"}, "NUL"),
    ],
)
def test_too_much_of_them_is_a_bad_row(service: RunningService, own: dict[str, str], says: str) -> None:
    text = json.dumps({"visits": [visit("S"), visit("S") | {"extra": own}]})
    (error,) = problem(post(service, text, JSON), 400, "invalid-request")["errors"]
    assert (error["visit"], error["column"]) == (2, "extra")
    assert says in error["reason"]
    if "NUL" not in says:
        rows = HEADER.strip() + "," + ",".join(own) + f"\nS,u,noon,{','.join(own.values())}\n"
        (error,) = problem(post(service, rows), 400, "invalid-request")["errors"]
        assert (error["line"], error["column"]) == (2, "extra")
    most = {f"c{number}": "x" for number in range(50)}
    assert extras(
        service, accepted(post(service, json.dumps({"visits": [visit("S") | {"extra": most}]}), JSON))
    ) == [most]
