"""Submitting a job by pages over HTTP: what is read and said before it is sent, and that it is sent once."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterator

import pytest

from retailpulse.domain.api_keys import Scope
from retailpulse.samples import sample_visits
from tests.api.guarded import Guarded, bearer, guarded_by
from tests.api.jobs import NO_JOB, RunningApi, visit
from tests.dashboard.files import HTML, WINDOWS, hand_in, look, options, send, text_of
from tests.dashboard.test_pages import HOSTILE, check
from tests.running import RunningService
from tests.tables.workbooks import xlsx

MOST_BYTES = 100_000
HEADER = ["Outlet code", "Photo link", "Date of visit"]
GOOD = ["RP00001", "https://photos.example/a.jpg", "2026-11-20"]


def csv(*rows: list[str]) -> bytes:
    return "\n".join(",".join(row) for row in rows).encode()


def jobs_named(service: RunningService | RunningApi, name: str) -> int:
    return len(service.http.get("/api/v1/jobs", params={"name": name}).json()["items"])


def test_a_file_of_windows_is_looked_at_and_sent_once(service: RunningService) -> None:
    held = hand_in(service, WINDOWS, "week 48.csv")
    unread = text_of(look(service, held))
    assert "image_url, visit_time not found" in unread or "not found" in unread
    shown = look(service, held, columns=["image_url:Fotos", "visit_time:Datum"])
    check(shown)
    said = text_of(shown)
    for text in (
        "3 photos of 2 visits",
        "CSV, separator semicolon, Windows-1252",
        "day or month first?",
        "There are such dates: choose",
        "Köln, Évry",
        "comes back as extra",
        "Send 3 photos",
    ):
        assert text in said
    fields: dict[str, str | list[str]] = {
        "columns": ["image_url:Fotos", "visit_time:Datum"],
        "date_order": "day-first",
        "name": "sent once",
    }
    assert "2026-11-19 00:00 UTC" in text_of(look(service, held, **fields))
    sent = send(service, held, **fields, label="region:north\r\nweek:48", priority="7")
    again = send(service, held, **fields, label="other:1")
    assert sent.status_code == again.status_code == 303
    assert sent.headers["location"] == again.headers["location"]
    job = service.http.get("/api/v1" + sent.headers["location"].partition("?")[0]).json()
    assert (job["name"], job["images"]["total"], job["priority"]) == ("sent once", 3, 7)
    assert job["labels"] == {"region": "north", "week": "48"}
    assert jobs_named(service, "sent once") == 1
    assert "is one job" in text_of(look(service, held))
    service.finished(job["job_id"])
    rows = service.http.get(f"/api/v1/jobs/{job['job_id']}/results").json()["items"]
    assert [row["extra"] for row in rows] == [{"Tour": "Köln"}] * 2 + [{"Tour": "Évry"}]


def test_every_choice_that_a_page_offers_can_be_made(service: RunningService) -> None:
    rows = [["Filiale", "A", "Wann"], ["RP00001", "https://photos.example/a.jpg", "2026-11-20"]]
    held = hand_in(service, csv(*rows))
    shown = look(service, held)
    assert "Nothing can be sent as it is" in shown.text
    assert "disabled" in shown.text
    found = options(shown.text)
    chosen = [found[f"{column} is {name}"] for column, name in zip(rows[0], LABELS, strict=True)]
    shown = look(service, held, columns=chosen)
    assert "Send 1 photo" in text_of(shown)
    assert shown.text.count("selected>Store ID") == 1
    assert send(service, held, columns=chosen).status_code == 303


@pytest.mark.parametrize("above", [b"sep=,\r\n", b"Visits, week 47,\n,,\n", b"Visits\n"])
def test_columns_below_a_title_are_offered(service: RunningService, above: bytes) -> None:
    rows = [["Filiale", "A", "Wann"], ["RP00001", "https://photos.example/a.jpg", "2026-11-20"]]
    held = hand_in(service, above + csv(*rows))
    found = options(look(service, held).text)
    chosen = [found[f"{column} is {name}"] for column, name in zip(rows[0], LABELS, strict=True)]
    assert "Send 1 photo" in text_of(look(service, held, columns=chosen))


LABELS = ["Store ID", "Photo URL", "Visit time"]


def test_a_workbook_with_errors_is_sent_without_its_bad_rows(service: RunningService) -> None:
    bad = [["", GOOD[1], GOOD[2]], ["RP00001", "", GOOD[2]]]
    held = hand_in(service, xlsx({"Visits": [["Week 48"], HEADER, GOOD, *bad]}), "errors.xlsx")
    shown = text_of(look(service, held))
    assert "2 rows cannot be sent" in shown
    assert "line 4 store_id store_id it is empty" in shown
    assert "line 5 image_url image_url it is empty" in shown
    assert "sheet Visits" in shown
    assert "Send 1 photo, leave out 2 rows" in shown
    refused = send(service, held)
    assert refused.status_code == 303
    assert refused.headers["location"].startswith("/submit/")
    sent = send(service, held, on_bad_row="skip")
    job = service.http.get("/api/v1" + sent.headers["location"].partition("?")[0]).json()
    assert job["images"]["total"] == 1


@pytest.mark.parametrize("is_lines", [False, True])
def test_pasted_json_is_read(service: RunningService, is_lines: bool) -> None:
    visits = [visit(at="3/4/2026"), visit("nowhere", "https://photos.example/" + "x" * 300)]
    text = "\r\n".join(map(json.dumps, visits)) if is_lines else json.dumps({"visits": visits})
    held = service.http.post("/submit", files={"file": (None, text)}, headers=HTML)
    shown = look(service, held)
    said = text_of(shown)
    assert "2 photos of 2 visits" in said
    assert "Pasted text" in said
    assert "are not fetched: nowhere" in said
    assert "Import stores first" in said
    assert 'id="columns"' not in shown.text
    wrong = text_of(look(service, held, priority="1000", label="no label"))
    assert "Nothing can be sent as it is" in wrong


def test_the_sample_is_there_to_be_sent(service: RunningService) -> None:
    shown = service.http.get("/submit?sample=1", headers=HTML)
    check(shown)
    assert sample_visits() in shown.text
    held = service.http.post("/submit", files={"file": (None, sample_visits())}, headers=HTML)
    assert "Send 4 photos" in text_of(look(service, held))


def test_texts_of_a_file_are_texts(service: RunningService) -> None:
    quoted = f'"{HOSTILE.replace(chr(34), chr(34) * 2)}"'
    names = [*HEADER, quoted, "שם החנות", "'onmouseover='x"]
    row = [quoted, f"https://photos.example/{quoted[1:-1]}", quoted, quoted, "חנות מרכזית", "東京"]
    row[1] = f'"https://photos.example/{HOSTILE.replace(chr(34), chr(34) * 2).replace(" ", "")}"'
    held = hand_in(service, csv(names, row, ["", *row[1:]]), f"{HOSTILE}../../etc/passwd\u202e.csv")
    shown = look(service, held)
    check(shown)
    assert "<script>alert" not in shown.text
    assert HOSTILE in text_of(shown).replace(" &", "&") or "alert(1)" in text_of(shown)
    assert "חנות מרכזית" in shown.text
    assert 'dir="auto" title="שם החנות"' in shown.text
    assert "\u202e" not in shown.text


def test_what_is_no_table_is_refused_in_words(service: RunningService) -> None:
    for content, said in (
        (b"%PDF-1.7", "a PDF document"),
        (b"store_id;image_url;visit_time\n", "there is no visit"),
        (b"{", "the body is not JSON"),
    ):
        shown = look(service, hand_in(service, content))
        assert "Nothing can be sent as it is" in shown.text
        assert said in text_of(shown)
    for empty in (hand_in(service, b"", ""), service.http.post("/submit", content=b"", headers=HTML)):
        assert empty.status_code == 400
        assert "choose one, or paste" in empty.text


@pytest.mark.parametrize("path", [f"/submit/{NO_JOB}", "/submit/nonsense", f"/import/{NO_JOB}"])
def test_a_file_that_is_not_held_is_not_found(service: RunningService, path: str) -> None:
    for answer in (
        service.http.get(path, headers=HTML),
        service.http.post(path, data={"name": "x"}, headers=HTML),
    ):
        assert answer.status_code == 404
        check(answer)


def test_a_script_is_told_where_to_go_on(service: RunningService) -> None:
    answer = hand_in(service, WINDOWS, headers={"Accept": "application/json, text/html"})
    assert answer.status_code == 201
    assert service.http.get(answer.json()["page"], headers=HTML).status_code == 200


def test_another_site_hands_in_nothing(service: RunningService) -> None:
    held = hand_in(service, WINDOWS)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert hand_in(service, WINDOWS, headers=headers).status_code == 403
        path = held.headers["location"]
        assert service.http.post(path, data={"x": "y"}, headers=headers).status_code == 403


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_by(tmp_path_factory.mktemp("guarded")) as guarded:
        guarded.key(Scope.ADMIN)
        yield guarded


def limited(guarded: Guarded) -> RunningApi:
    return guarded.api({"RETAILPULSE_API_MAX_BODY_BYTES": str(MOST_BYTES)})


def test_a_file_that_is_too_large_is_refused_as_a_page(guarded: Guarded) -> None:
    api = limited(guarded)
    key = bearer(guarded.key(Scope.SUBMIT, Scope.READ))
    for size in (MOST_BYTES + 1, MOST_BYTES * 2, MOST_BYTES * 20):
        answer = hand_in(api, b"x" * size, headers=key)
        assert answer.status_code == 413
        check(answer)
        assert "larger than 100,000 bytes" in answer.text
    assert hand_in(api, b"x" * MOST_BYTES, headers=key).status_code == 303


def test_a_bomb_is_refused_before_it_is_unpacked(guarded: Guarded) -> None:
    api = guarded.api({"RETAILPULSE_API_MAX_BODY_BYTES": str(3 * MOST_BYTES)})
    key = bearer(guarded.key(Scope.SUBMIT, Scope.READ))
    workbook = io.BytesIO()
    with zipfile.ZipFile(workbook, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", "<x/>")
        with packed.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(20):
                part.write(b" " * 10_000_000)
    rows = gzip.compress(b"store_id,image_url,visit_time\n" + b"x" * 1_000_000)
    for content, said in ((workbook.getvalue(), "unpacks into"), (rows, "larger than 300000 bytes")):
        held = hand_in(api, content, headers=key)
        shown = api.http.get(held.headers["location"], headers={**HTML, **key})
        assert said in text_of(shown)
        assert "Nothing can be sent as it is" in shown.text


def test_a_file_is_held_for_all_processes_and_its_key_alone(guarded: Guarded) -> None:
    one, other = guarded.api(), guarded.api()
    mine, yours = (bearer(guarded.key(Scope.SUBMIT, Scope.READ)) for _ in range(2))
    held = hand_in(one, csv(HEADER, GOOD), headers=mine)
    path = held.headers["location"].partition("?")[0]
    assert "Send 1 photo" in text_of(other.http.get(path, headers={**HTML, **mine}))
    assert other.http.get(path, headers={**HTML, **yours}).status_code == 404
    assert other.http.post(path, data={"name": "x"}, headers={**HTML, **yours}).status_code == 404
    first = other.http.post(path, data={"name": "x"}, headers={**HTML, **mine})
    second = one.http.post(path, data={"name": "y"}, headers={**HTML, **mine})
    assert first.headers["location"] == second.headers["location"]
    assert first.headers["location"].startswith("/jobs/")


def test_a_key_sees_what_it_may_do_alone(guarded: Guarded) -> None:
    api = guarded.api()
    for scopes, submits, imports in (
        ((Scope.READ,), False, False),
        ((Scope.READ, Scope.SUBMIT), True, False),
        ((Scope.ADMIN,), True, True),
    ):
        headers = {**HTML, **bearer(guarded.key(*scopes))}
        text = api.http.get("/jobs", headers=headers).text
        assert ('href="/submit"' in text) is submits
        assert ('href="/import"' in api.http.get("/stores", headers=headers).text) is imports
        for path, may in (("/submit", submits), ("/import", imports)):
            shown = api.http.get(path, headers=headers)
            assert shown.status_code == (200 if may else 403)
            check(shown)
            assert ("lacks the scope" in shown.text) is not may
            answer = hand_in(api, csv(HEADER, GOOD), to=path, headers=headers)
            assert answer.status_code == (303 if may else 403)
    for path in ("//import", "/import/", f"/import//{NO_JOB}"):
        headers = {**HTML, **bearer(guarded.key(Scope.READ, Scope.SUBMIT))}
        assert api.http.post(f"{api.url}{path}", data={"a": "b"}, headers=headers).status_code == 403
