"""PUT /api/v1/stores: what a store file may look like, what is wrong with a bad one, and what it does."""

import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx
import pytest

from tests.api.jobs import RunningApi, problem, put_stores, store_file, visit
from tests.running import RunningService

COUNTS = ["loaded", "added", "changed", "unchanged", "rejected", "unlocated"]
HEADER = "AreaCode,StoreName,StoreID\n"

_files = count(1)


@pytest.fixture
def area() -> str:
    """An area code that no other test uses; ids of stores begin with it too."""
    return f"import-{next(_files)}"


def loaded(answer: httpx.Response) -> dict[str, Any]:
    """What a load did."""
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert list(told) == [*COUNTS, "errors", "dry_run", "read_as"]
    assert (told["loaded"], told["dry_run"]) == (True, False)
    return dict(told)


def rejected(answer: httpx.Response) -> dict[int, str]:
    """The bad lines of a file that was not loaded, with their numbers."""
    told = problem(answer, 422, "unprocessable")
    assert told["detail"].endswith(" bad: nothing is loaded")
    assert (told["loaded"], told["added"], told["changed"], told["unchanged"]) == (False, 0, 0, 0)
    assert told["rejected"] == len(told["errors"])
    return {error["line"]: error["error"] for error in told["errors"]}


def master(service: RunningService, *ids: str) -> list[tuple[str, str, str]]:
    """Area, name and id of stores as the service has them; one that it has not is left out."""
    service.submit([visit(store_id) for store_id in ids])
    found = []
    for store_id in ids:
        answer = service.http.get("/api/visits", params={"storeid": store_id})
        if answer.status_code == 200:
            (store,) = answer.json()["results"]
            found.append((store["area"], store["store_name"], store["store_id"]))
    return found


@pytest.mark.parametrize("path", ["/api/v1/stores", "/api/v1/stores/"])
def test_a_file_is_loaded_and_told_in_numbers(service: RunningService, area: str, path: str) -> None:
    content = store_file([(area, "One", f"{area}-1"), (area, "Two", f"{area}-2")])
    assert loaded(service.http.put(path, content=content)) == {
        "loaded": True,
        "added": 2,
        "changed": 0,
        "unchanged": 0,
        "rejected": 0,
        "unlocated": 0,
        "errors": [],
        "dry_run": False,
        "read_as": "CSV, separator comma, UTF-8",
    }
    assert master(service, f"{area}-1", f"{area}-2") == [
        (area, "One", f"{area}-1"),
        (area, "Two", f"{area}-2"),
    ]


def test_a_second_load_tells_what_is_new_changed_and_the_same(service: RunningService, area: str) -> None:
    first = [(area, f"Shop {number}", f"{area}-{number}") for number in range(10)]
    loaded(put_stores(service, store_file(first)))
    renamed = [(area, f"New shop {number}", f"{area}-{number}") for number in range(3)]
    moved = [(f"{area}-b", "Shop 3", f"{area}-3")]
    told = loaded(put_stores(service, store_file([*renamed, *moved, *first[4:8], (area, "x", f"{area}-x")])))
    assert (told["added"], told["changed"], told["unchanged"], told["rejected"]) == (1, 4, 4, 0)
    assert master(service, f"{area}-2", f"{area}-3", f"{area}-9") == [
        (area, "New shop 2", f"{area}-2"),
        (f"{area}-b", "Shop 3", f"{area}-3"),
        (area, "Shop 9", f"{area}-9"),  # what a file does not name stays
    ]


@pytest.mark.parametrize(
    "text",
    [
        "StoreID,AreaCode,StoreName\n{area}-1,{area},Name\n",
        "StoreName,StoreID,AreaCode\nName,{area}-1,{area}\n",
        "\ufeffAreaCode,StoreName,StoreID\n{area},Name,{area}-1\n",
        "AreaCode,StoreName,StoreID\r\n{area},Name,{area}-1\r\n",
        "AreaCode,StoreName,StoreID\r{area},Name,{area}-1\r",
        "AreaCode,StoreName,StoreID\n{area},Name,{area}-1",
        "\ufeff\"AreaCode\",\"StoreName\",\"StoreID\"\r\n\"{area}\",\"Name\",\"{area}-1\"\r\n",
        " areacode , STORENAME , storeId \n {area} ,  Name , {area}-1 \n",
        "\n\nAreaCode,StoreName,StoreID\n\n\n{area},Name,{area}-1\n\n\n",
        "Country,StoreID,Opened,StoreName,AreaCode,\nDE,{area}-1,2001,Name,{area},\n",
        "AreaCode,StoreName,StoreID\n{area},Name,{area}-1,,\n",
    ],
)  # fmt: skip
def test_a_file_may_be_written_in_many_ways(service: RunningService, area: str, text: str) -> None:
    told = loaded(put_stores(service, text.replace("{area}", area).encode()))
    assert (told["added"], told["rejected"]) == (1, 0)
    assert master(service, f"{area}-1") == [(area, "Name", f"{area}-1")]


@pytest.mark.parametrize(
    "name",
    ["Shop, Harbour", 'The "Little" Grocer', "two\nlines", "two\r\nlines", '","', "", "Ωμέγα 🏪", "=1+1"],
)
def test_names_are_kept_word_for_word(service: RunningService, area: str, name: str) -> None:
    loaded(put_stores(service, store_file([(area, name, f"{area}-1"), (area, "next", f"{area}-2")])))
    assert master(service, f"{area}-1") == [(area, name, f"{area}-1")]


def test_a_name_with_quotes_inside_needs_none_around_it(service: RunningService, area: str) -> None:
    loaded(put_stores(service, f'{HEADER}{area},The "Little" Grocer,{area}-1\n'.encode()))
    assert master(service, f"{area}-1") == [(area, 'The "Little" Grocer', f"{area}-1")]


QUOTE_COMMA = "put a cell that has a comma in it in double quotes"
QUOTE = (
    'quote a cell that holds a separator, a quote or a line break, and double the quotes in it: "5"" screen"'
)
BAD = """AreaCode,StoreName,StoreID
{area},Good,{area}-1
{area},"two
lines",{area}-2

{area},too few
{area},no id,
,no area,{area}-3
{area},"quoted
over
three",{area}-4
{area},again,{area}-2
{area},"and
again","{area}-2"
{area},unquoted, with a comma,{area}-5
,,
{area},"closed "too" early",{area}-6
{area},Good too,{area}-7
"""


def test_bad_lines_are_told_by_number_and_nothing_is_loaded(service: RunningService, area: str) -> None:
    errors = rejected(put_stores(service, BAD.replace("{area}", area).encode()))
    assert errors == {
        6: f"it has 2 cells, the header has 3; {QUOTE_COMMA}",
        7: "the store id is empty",
        8: "the area code is empty",
        12: f"the store id {area}-2 is repeated: line 3 has it already",
        13: f"the store id {area}-2 is repeated: line 3 has it already",
        15: f"it has 4 cells, the header has 3; {QUOTE_COMMA}",
        17: f"it is not CSV: ',' expected after '\"'; {QUOTE}",
    }
    assert master(service, f"{area}-1", f"{area}-2", f"{area}-4", f"{area}-7") == []


def test_the_good_lines_are_loaded_where_they_are_asked_for(service: RunningService, area: str) -> None:
    told = loaded(put_stores(service, BAD.replace("{area}", area).encode(), good_lines="true"))
    assert (told["added"], told["rejected"], len(told["errors"])) == (4, 7, 7)
    ids = [f"{area}-{number}" for number in range(1, 8)]
    assert [store_id for _, _, store_id in master(service, *ids)] == [ids[0], ids[1], ids[3], ids[6]]
    assert master(service, ids[1]) == [(area, "two\nlines", ids[1])]  # the first of a repeated id


def test_good_lines_must_be_true_or_false(service: RunningService) -> None:
    answer = put_stores(service, store_file([]), good_lines="maybe")
    refusal = problem(answer, 400, "invalid-request")
    assert refusal["detail"].startswith("good_lines: ")
    assert [part["name"] for part in refusal["parameters"]] == ["good_lines"]


def test_an_open_quote_is_told_with_the_line_that_opens_it(service: RunningService, area: str) -> None:
    text = f'{HEADER}{area},Good,{area}-1\n{area},"never closed,{area}-2\n{area},Lost,{area}-3\n'
    assert rejected(put_stores(service, text.encode())) == {
        3: f"it is not CSV: unexpected end of data, read up to line 4; {QUOTE}"
    }


def test_an_open_quote_in_a_long_file_does_not_swallow_the_rest(service: RunningService, area: str) -> None:
    rest = "".join(f"{area},Shop,{area}-{number}\n" for number in range(10_000))
    ((line, error),) = rejected(put_stores(service, f'{HEADER}{area},"open,x\n{rest}'.encode())).items()
    assert line == 2
    assert "field larger than field limit (131072), read up to line " in error


def test_lines_that_are_not_utf_8_are_told_by_number(service: RunningService, area: str) -> None:
    lines = [
        f"{area},Gut,{area}-1",
        f"{area},Süd,{area}-2",
        f'{area},"Öst\nlich",{area}-3',
        f"{area},ß,{area}-4",
    ]
    mixed = f"{HEADER}{area},Käse,{area}-0\n".encode() + "\n".join(lines).encode("latin-1")
    bad = "it is not UTF-8; save the file as CSV UTF-8"
    assert rejected(put_stores(service, mixed)) == dict.fromkeys((4, 5, 7), bad)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "\ufeff",
        "AreaCode,StoreName\n1,2\n",
        "7100015,Market Hall,RP00002\n",
        "AreaCode;StoreName;Place\n1;2;3\n",
        "AreaCode,Labels,StoreID\n1,2,3\n",
        "\0",
    ],
)
def test_a_file_without_the_header_is_refused(service: RunningService, text: str) -> None:
    answer = put_stores(service, text.encode())
    assert problem(answer, 400, "invalid-request")["detail"].startswith(
        "line 1: the header must name the columns AreaCode,StoreName,StoreID; "
    )


def test_other_bytes_are_refused(service: RunningService) -> None:
    for content in (b'{"stores": []}', bytes(range(256)) * 100, b"%PDF-1.7"):
        problem(put_stores(service, content), 400, "invalid-request")


def test_a_file_of_the_header_alone_changes_nothing(service: RunningService) -> None:
    told = loaded(put_stores(service, HEADER.encode()))
    assert (told["added"], told["changed"], told["unchanged"], told["rejected"]) == (0, 0, 0, 0)


def test_a_line_without_end_is_refused_before_it_fills_the_memory(service: RunningService) -> None:
    answer = put_stores(service, HEADER.encode() + b"x" * 5_000_000)
    assert problem(answer, 400, "invalid-request")["detail"].startswith("line 2 is longer than ")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (("a", "n", "i" * 513), "the store id is longer than 512 bytes"),
        (("ä" * 257, "n", "i"), "the area code is longer than 512 bytes"),
        (("a", "n\0n", "i"), "it holds a NUL character; remove it"),
        (("a", "n", "i\0"), "it holds a NUL character; remove it"),
        (("a", "n", " \t"), "the store id is empty"),
    ],
)
def test_keys_that_cannot_be_kept_are_told(
    service: RunningService, fields: tuple[str, str, str], error: str
) -> None:
    assert rejected(put_stores(service, store_file([fields]))) == {2: error}


def test_keys_of_the_greatest_length_are_kept(service: RunningService) -> None:
    area, store_id = "ä" * 256, "ü" * 256
    loaded(put_stores(service, store_file([(area, "n" * 90_000, store_id)])))
    ((kept_area, name, kept_id),) = master(service, store_id)
    assert (kept_area, len(name), kept_id) == (area, 90_000, store_id)


def test_of_many_bad_lines_the_first_hundred_are_told_and_all_are_counted(
    service: RunningService, area: str
) -> None:
    rows = [(area, "twice", f"{area}-1")] * 301 + [(area, "no id", "")] * 200
    answer = put_stores(service, store_file(rows))
    assert answer.status_code == 422
    assert answer.json()["rejected"] == 500
    assert [error["line"] for error in answer.json()["errors"]] == list(range(3, 103))


def test_a_long_file_is_counted_to_the_line(service: RunningService, area: str) -> None:
    rows = [(area, f'Shop "{number}", hall', f"{area}-{number}") for number in range(30_000)]
    assert loaded(put_stores(service, store_file(rows)))["added"] == 30_000
    rows[29_999] = (area, "renamed", f"{area}-29999")
    rows.append((area, "again", f"{area}-17"))
    assert rejected(put_stores(service, store_file(rows))) == {
        30_002: f"the store id {area}-17 is repeated: line 19 has it already"
    }
    told = loaded(put_stores(service, store_file(rows), good_lines=True))
    assert (told["added"], told["changed"], told["unchanged"], told["rejected"]) == (0, 1, 29_999, 1)


def test_several_loads_at_once_do_not_disturb_each_other(service: RunningService, area: str) -> None:
    starts = range(0, 5_000, 500)  # each file has 500 stores in common with the next
    files = [
        store_file((area, f"from {start}", f"{area}-{number}") for number in range(start, start + 1_000))
        for start in starts
    ]
    with ThreadPoolExecutor(len(files)) as threads:
        told = [loaded(answer) for answer in threads.map(lambda content: put_stores(service, content), files)]
    assert [summary["added"] + summary["changed"] + summary["unchanged"] for summary in told] == [1_000] * 10
    assert sum(summary["added"] for summary in told) == 5_500
    assert sum(summary["changed"] for summary in told) == 4_500


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_an_upload_that_breaks_off_loads_nothing(service: RunningService, area: str, framing: str) -> None:
    content = store_file([(area, "Cut off", f"{area}-1")])
    head = {
        "length": b"Content-Length: 1000000\r\n\r\n" + content,
        "chunks": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(content), content),
    }[framing]
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(b"PUT /api/v1/stores HTTP/1.1\r\nHost: localhost\r\n" + head)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert master(service, f"{area}-1") == []


def test_a_slow_upload_holds_nobody_up(service: RunningService, area: str) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(
            b"PUT /api/v1/stores HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nAreaCode,"
        )
        assert loaded(put_stores(service, store_file([(area, "Quick", f"{area}-1")])))["added"] == 1
        assert master(service, f"{area}-1")


@pytest.mark.parametrize("length_known", [True, False])
def test_a_file_over_the_limit_is_refused(
    service: RunningService, strict: RunningApi, area: str, length_known: bool
) -> None:
    content = store_file((area, "x" * 100, f"{area}-{number}") for number in range(10_000))
    answer = strict.http.put("/api/v1/stores", content=content if length_known else iter([content]))
    assert "20000 bytes" in problem(answer, 413, "too-large")["detail"]
    assert master(service, f"{area}-0") == []


def test_an_import_leaves_the_limits_of_other_csv_as_they_were(service: RunningService, area: str) -> None:
    put_stores(service, store_file([[area, "A shop", f"{area}-1"]]))
    rows = f"store_id,image_url,visit_time\n{area}-1,nowhere,{'x' * 110_000}\n"
    answer = service.http.post("/api/v1/jobs", content=rows, headers={"Content-Type": "text/csv"})
    assert answer.status_code in {201, 202}, answer.text


def test_a_field_that_is_too_long_is_told_by_its_line(service: RunningService, area: str) -> None:
    answer = put_stores(service, store_file([[area, "x" * 100_001, f"{area}-1"]]))
    assert rejected(answer) == {2: "the store name is longer than 100000 characters"}
