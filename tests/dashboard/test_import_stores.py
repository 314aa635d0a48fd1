"""Importing stores by pages over HTTP: what is new, changed and bad is said before it is loaded."""

from retailpulse.samples import sample_stores
from tests.api.jobs import new_area
from tests.dashboard.files import HTML, hand_in, look, options, send, text_of
from tests.dashboard.test_pages import HOSTILE, check
from tests.running import RunningService
from tests.tables.workbooks import xlsx


def test_a_store_master_is_looked_at_and_loaded(service: RunningService) -> None:
    area, (known, moved) = new_area(service, stores=2)
    rows = [
        ["Region", "Outlet Name", "Outlet Code", "Lat", "Long"],
        [area, "A shop", known, "", ""],
        [area, "دكان", moved, "52.5", "13.4"],
        [area, HOSTILE, f"{area}-new", "52.5", "13.4"],
        [area, "No id", "", "", ""],
        [area, "Nowhere", f"{area}-far", "99", "13"],
    ]
    handed = hand_in(service, "\n".join("\t".join(row) for row in rows).encode("utf-16"), "s.txt", "/import")
    shown = look(service, handed)
    check(shown)
    said = text_of(shown)
    assert "New 1 Changed 1 Unchanged 1 Bad lines 2" in said
    assert "line 5 StoreID StoreID the store id is empty" in said
    assert "line 6 Latitude" in said
    assert "Load 3 stores, leave out 2 lines" in said
    assert "دكان" in said
    assert "<script>alert" not in shown.text
    assert send(service, handed).headers["location"].startswith("/import/")
    assert f"/store?id={area}-new" not in service.http.get(f"/stores?area={area}").text
    done = send(service, handed, on_bad_row="skip")
    told = look(service, done)
    check(told)
    assert "1 added, 1 changed, 1 unchanged" in told.text
    assert "2 bad lines were left out" in told.text
    assert f"/store?id={area}-new" in service.http.get(f"/stores?area={area}").text
    assert send(service, handed).headers["location"] == done.headers["location"]


def test_columns_of_other_names_are_chosen(service: RunningService) -> None:
    rows = [["Filiale", "Gebiet", "Nummer"], ["Käse", "area-x", "choice-1"]]
    handed = hand_in(service, xlsx({"Läden": rows}), "läden.xlsx", "/import")
    shown = look(service, handed)
    assert "Nothing can be loaded" in shown.text
    found = options(shown.text)
    chosen = [found["Filiale is Store name"], found["Gebiet is Area code"], found["Nummer is Store ID"]]
    assert "Load 1 store" in text_of(look(service, handed, columns=chosen))
    assert "1 added" in look(service, send(service, handed, columns=chosen)).text


def test_what_is_no_store_master_is_refused_in_words(service: RunningService) -> None:
    for content, said in (
        (b"{}", "the file is JSON, not a table"),
        (b"AreaCode,StoreName,StoreID,Latitude\n1,a,b,2\n", "none for Longitude"),
        (b"AreaCode,StoreName,StoreID\n,,\n", "no line is good"),
    ):
        said_of = text_of(look(service, hand_in(service, content, "x", "/import")))
        assert said in said_of


def test_the_sample_store_master_is_there(service: RunningService) -> None:
    shown = service.http.get("/import?sample=1", headers=HTML)
    check(shown)
    assert sample_stores().splitlines()[1] in shown.text


def test_a_table_below_a_title_is_read_from_its_header_on(service: RunningService) -> None:
    rows = [
        ["Stores of the north, week 48", "", ""],
        ["", "", ""],
        ["Area Code", "Store Name", "Store ID"],
        ["area-title", "Below a title", "title-1"],
    ]
    for content, name in (
        (xlsx({"North": rows}), "titled.xlsx"),
        ("\n".join(",".join(f'"{cell}"' for cell in row) for row in rows).encode(), "titled.csv"),
    ):
        said = text_of(look(service, hand_in(service, content, name, "/import")))
        assert "all that are needed were found" in said
        assert "Load 1 store" in said
