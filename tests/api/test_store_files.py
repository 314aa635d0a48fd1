"""PUT /api/v1/stores takes tables as people have them: any format, any Content-Type, also in a form."""

import gzip
import json
from itertools import count
from typing import Any

import httpx
import pytest

from tests.api.jobs import RunningApi, problem, put_stores
from tests.api.test_store_import import loaded, master, rejected
from tests.running import RunningService
from tests.tables.workbooks import ods, xlsx

_files = count(1)


@pytest.fixture
def area() -> str:
    return f"file-{next(_files)}"


def stores(area: str) -> list[list[str]]:
    return [["Region", "Name", "Outlet Code"], [area, "Süd, West", f" {area}\u200b-1\u00a0"]]


def csv_of(area: str, separator: str = ";") -> str:
    return "".join(separator.join(f'"{cell}"' for cell in row) + "\r\n" for row in stores(area))


@pytest.mark.parametrize(
    ("write", "read_as"),
    [
        (lambda area: csv_of(area).encode(), "CSV, separator semicolon, UTF-8"),
        (lambda area: csv_of(area, "\t").encode("utf-16"), "CSV, separator tab, UTF-16"),
        (lambda area: csv_of(area, "|").encode("utf-8-sig"), "CSV, separator vertical bar, UTF-8"),
        (lambda area: xlsx({"Sheet1": stores(area)}), "XLSX, sheet Sheet1"),
        (lambda area: ods({"Blatt": stores(area)}), "ODS, sheet Blatt"),
        (lambda area: gzip.compress(csv_of(area).encode()), "CSV, separator semicolon, UTF-8"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("content_type", ["text/csv", "application/vnd.ms-excel", None])
def test_any_table_is_loaded_whatever_its_type_is_said_to_be(
    service: RunningService, area: str, write: Any, read_as: str, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    told = loaded(service.http.put("/api/v1/stores", content=write(area), headers=headers))
    assert (told["added"], told["read_as"]) == (1, read_as)
    assert master(service, f"{area}-1") == [(area, "Süd, West", f"{area}-1")]


def test_a_form_brings_a_file_and_options(service: RunningService, area: str) -> None:
    content = f"a;b;c\n{area};A;{area}-1\n{area};B;\n".encode()
    form = {"columns": "AreaCode:A,StoreName:B,StoreID:C", "on_bad_row": "skip"}
    told = loaded(service.http.put("/api/v1/stores", files={"file": ("stores.csv", content)}, data=form))
    assert (told["added"], told["rejected"]) == (1, 1)
    assert master(service, f"{area}-1") == [(area, "A", f"{area}-1")]


def test_a_form_under_another_content_type_is_seen_by_its_bytes(service: RunningService, area: str) -> None:
    request = httpx.Request("PUT", "http://a", files={"file": ("s.csv", csv_of(area).encode())})
    assert loaded(put_stores(service, request.read()))["added"] == 1


def test_a_large_form_is_taken_apart_piece_by_piece(service: RunningService, area: str) -> None:
    header = "AreaCode,StoreName,StoreID\n"
    many = header + "".join(f"{area},Shop {number},{area}-{number}\n" for number in range(60_000))
    answer = service.http.put("/api/v1/stores", files={"x": ("s.csv", many.encode())})
    assert loaded(answer)["added"] == 60_000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--X--\r\n', "the form has no file"),
        (
            b'--X\r\nContent-Disposition: form-data; name="file"; filename="s"\r\n\r\nArea',
            "damaged or cut off",
        ),
        (
            b'--X\r\nContent-Disposition: form-data; name="file"; filename="s"\r\n\r\na\r\n--X\r\n'
            b'Content-Disposition: form-data; name="b"; filename="t"\r\n\r\na\r\n--X--\r\n',
            "more than one file",
        ),
        (b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"b" * 70_000, "a field of the form"),
    ],
)
def test_forms_that_cannot_be_read_are_refused(service: RunningService, body: bytes, said: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=X"}
    answer = service.http.put("/api/v1/stores", content=body, headers=headers)
    assert said in problem(answer, 400, "invalid-request")["detail"]


def test_a_dry_run_says_what_would_be_and_loads_nothing(service: RunningService, area: str) -> None:
    header = "AreaCode,StoreName,StoreID\n"
    put_stores(service, f"{header}{area},Old,{area}-1\n{area},Same,{area}-2\n".encode())
    content = f"{header}{area},New,{area}-1\n{area},Same,{area}-2\n{area},Third,{area}-3\n".encode()
    told = put_stores(service, content, dry_run="true").json()
    counts = {name: told[name] for name in ("loaded", "dry_run", "added", "changed", "unchanged")}
    assert counts == {"loaded": False, "dry_run": True, "added": 1, "changed": 1, "unchanged": 1}
    assert [name for _, name, _ in master(service, f"{area}-1", f"{area}-3")] == ["Old"]


def test_a_dry_run_lists_what_is_bad(service: RunningService, area: str) -> None:
    content = f"AreaCode;StoreName;StoreID\n{area};A;\n{area};B;#N/A\n{area};C;{area}-1\n".encode()
    assert rejected(put_stores(service, content, dry_run="true")) == {
        2: "the store id is empty",
        3: "it is #N/A: a formula failed; mend the cell, or clear it",
    }
    skipped = put_stores(service, content, dry_run="true", on_bad_row="skip").json()
    assert (skipped["loaded"], skipped["added"], skipped["rejected"]) == (False, 1, 2)
    assert [error["column"] for error in skipped["errors"]] == ["StoreID", "StoreID"]


def test_columns_and_sheet_are_named_in_the_query(service: RunningService, area: str) -> None:
    content = xlsx({"A": [["x", "y", "z"]], "B": [["x", "y", "z"], [f"{area}-1", area, "N"]]})
    told = loaded(put_stores(service, content, columns=["StoreID:A,area_code:B", "StoreName:z"], sheet="b"))
    assert told["read_as"] == "XLSX, sheet B, the header in row 1: y, z, x"
    assert master(service, f"{area}-1") == [(area, "N", f"{area}-1")]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"columns": "Shop:A"}, "columns: 'Shop:A' is not NAME:COLUMN"),
        ({"sheet": "A"}, "sheet: the file is CSV"),
        ({"columns": "StoreID:Z"}, "there is no column Z for StoreID"),
    ],
)
def test_options_that_do_not_fit_are_refused(service: RunningService, query: Any, said: str) -> None:
    answer = put_stores(service, b"AreaCode,StoreName,StoreID\n", **query)
    assert said in problem(answer, 400, "invalid-request")["detail"]


def test_a_compressed_body_and_a_compressed_file_are_both_undone(service: RunningService, area: str) -> None:
    body = gzip.compress(csv_of(area).encode())
    answer = service.http.put("/api/v1/stores", content=body, headers={"Content-Encoding": "gzip"})
    assert loaded(answer)["added"] == 1


def test_what_unpacks_beyond_the_limit_is_refused(strict: RunningApi) -> None:
    packed = gzip.compress(b"AreaCode,StoreName,StoreID\n" + b"a,b,c\n" * 10_000)
    answer = put_stores(strict, packed)
    assert "20000 bytes" in problem(answer, 400, "invalid-request")["detail"]
    assert json.loads(answer.content)["status"] == 400
