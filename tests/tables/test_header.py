"""Columns are found by the names that people give them; what is not plain is refused with what to do."""

import io

import pytest

from retailpulse.domain.errors import InvalidRequest
from retailpulse.tables import STORE_COLUMNS, VISIT_COLUMNS, open_table, parse_column_names
from tests.tables.reading import bad, refusal, rows
from tests.tables.workbooks import xlsx

IDS = ("StoreID", "STORE_ID", "Store Id", "store-id", "store", "Store Code", "outlet id", "Shop ID")
MORE_IDS = ("Outlet Code", "Störe ID", "Store No.")
URLS = ("Photo", "photos", "image", "image url(s)", "Picture", "photo link", "URL", "image_urls", "Pictures")
TIMES = ("Date", "visit date", "Visited at", "time", "Timestamp", "visit_time", "VisitTime", "Date/Time")
AREAS = ("AreaCode", "area", "Region Code", "territory", "Area Code")
NAMES = ("StoreName", "store name", "Name", "Outlet Name")


@pytest.mark.parametrize(
    "header",
    [
        *((name, "image_url", "visit_time") for name in (*IDS, *MORE_IDS)),
        *(("store_id", name, "visit_time") for name in URLS),
        *(("store_id", "image_url", name) for name in TIMES),
    ],
    ids=" ".join,
)
def test_columns_of_visits_have_many_names(header: tuple[str, ...]) -> None:
    assert rows(f"{';'.join(header)}\nA;b;c\n".encode()) == [(2, ("A", "b", "c"))]


@pytest.mark.parametrize(
    "header",
    [
        *((name, "StoreName", "StoreID") for name in AREAS),
        *(("AreaCode", name, "StoreID") for name in NAMES),
        *(("AreaCode", "StoreName", name) for name in IDS),
        ("AreaCode", "Store", "StoreID"),
        ("Area", "Store", "Outlet Code"),
        ("Area", "Name", "Store"),
    ],
    ids=" ".join,
)
def test_columns_of_stores_have_many_names(header: tuple[str, ...]) -> None:
    assert rows(f"{';'.join(header)}\n1;A;b\n".encode(), None, STORE_COLUMNS) == [
        (2, ("1", "A", "b", "", ""))
    ]


def test_an_exact_name_goes_before_others() -> None:
    assert rows(b"URL,store_id,image_url,Date,visit_time\n1,A,b,2,c\n") == [(2, ("A", "b", "c"))]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            "Photo,Image,store_id,visit_time",
            "image_url may be Photo (column A) and Image (column B). Say which: columns=image_url:",
        ),
        (
            "store_id,image_url,image_url,visit_time",
            "image_url may be image_url (column B) and image_url (column C",
        ),
        (
            "store_id,image_url,whenever",
            "image_url, whenever. Say which it is by its header or its letter: columns=visit_time:C",
        ),
        (
            "store_id,image_url,vist time",
            "not found. The columns are store_id, image_url, vist time. Is it vist time? Then say ",
        ),
        ("a,b,c", "store_id, image_url, visit_time not found. The columns are a, b, c."),
    ],
)
def test_what_is_not_plain_is_refused_with_what_to_do(header: str, said: str) -> None:
    told = refusal(f"{header}\n1,2,3,4\n".encode())
    assert told.startswith("line 1: the header must name the columns store_id,image_url,visit_time; ")
    assert said in told


def test_a_name_twice_is_no_matter_where_nobody_wants_it() -> None:
    assert rows(b"note,note,store_id,image_url,visit_time\n1,2,A,b,c\n") == [(2, ("A", "b", "c"))]


@pytest.mark.parametrize("column", ["Filiale", "FILIALE", "C", "c", "3"])
def test_a_column_may_be_named_by_the_caller(column: str) -> None:
    content = b"image_url,visit_time,Filiale\nb,c,A\n"
    assert rows(content, {"store_id": column}) == [(2, ("A", "b", "c"))]


def test_all_columns_may_be_named_by_their_letters() -> None:
    letters = {"store_id": "A", "image_url": "B", "visit_time": "C"}
    for separator in ",;\t|":
        content = separator.join("xyz") + "\n" + separator.join("BAC") + "\n" + separator.join("xAA") + "\n"
        assert rows(content.encode(), letters) == [(2, ("B", "A", "C")), (3, ("x", "A", "A"))]


def test_a_column_that_is_not_there_is_refused() -> None:
    told = refusal(b"store_id,image_url,visit_time\n", {"image_url": "Foto"})
    assert told.endswith(
        "there is no column Foto for image_url. The columns are store_id, image_url, visit_time"
    )


def test_two_columns_cannot_be_one() -> None:
    told = refusal(b"a,b,c\n", {"store_id": "A", "image_url": "1", "visit_time": "C"})
    assert told == "columns: store_id and image_url cannot both be column A"


def test_the_header_may_stand_below_titles() -> None:
    titles = "".join(f"Title {number}\n" for number in range(20))
    assert rows(f"{titles}store_id\timage_url\tvisit_time\nA\tb\tc\n".encode()) == [(22, ("A", "b", "c"))]


TITLED = {
    "title": b"Besuche KW 47;;\nFiliale;Foto;Datum\nA;http://h/1;b\n",
    "title alone": b"Besuche KW 47\n\nFiliale;Foto;Datum\nA;http://h/1;b\n",
    "title of two": b"Besuche;KW 47;\nFiliale;Foto;Datum\nA;http://h/1;b\nB;http://h/2;b\n",
    "separator": b"sep=;\nFiliale;Foto;Datum\nA;http://h/1;b\n",
    "workbook": xlsx({"S": [["Besuche"], [], ["Filiale", "Foto", "Datum"], ["A", "http://h/1", "b"]]}),
}


@pytest.mark.parametrize("kind", TITLED)
def test_what_stands_above_an_unknown_header_is_not_offered_for_it(kind: str) -> None:
    told = refusal(TITLED[kind])
    assert "The columns are Filiale, Foto, Datum. Say which it is" in told
    for said in ({"store_id": "A"}, {"store_id": "Filiale"}, {"store_id": "A", "image_url": "B"}):
        assert "The columns are Filiale, Foto, Datum. Say which it is" in refusal(TITLED[kind], said)


@pytest.mark.parametrize("kind", sorted(TITLED.keys() - {"title of two"}))
def test_letters_count_from_the_header_below_what_stands_above_it(kind: str) -> None:
    ((_, cells),) = rows(TITLED[kind], {"store_id": "A", "image_url": "B", "visit_time": "C"})
    assert cells == ("A", "http://h/1", "b")


def test_a_column_without_a_name_is_named_by_its_letter() -> None:
    content = b"Title\n;Photo;Date\nA;http://h/1;b\n"
    assert rows(content, {"store_id": "A"}) == [(3, ("A", "http://h/1", "b"))]


def test_columns_are_read_as_they_are_written_on_a_command_line() -> None:
    said = ["store_id:Outlet, Code: new,Image URL = C", "visit_time:B"]
    assert parse_column_names(said, VISIT_COLUMNS) == {
        "store_id": "Outlet, Code: new",
        "image_url": "C",
        "visit_time": "B",
    }


@pytest.mark.parametrize("text", ["", "store_id", "store_id:", "shop:A", "store_id:A,store_id:B"])
def test_columns_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^columns: "):
        parse_column_names([text], VISIT_COLUMNS)


@pytest.mark.parametrize(
    "header",
    [
        "Store;Photo 1;Photo 2;Date;Photo 3",
        "Store;Photo;Photo 2;Date;photo_3",
        "store_id;image_url;image_url_2;visit_time;Image URL 3",
        "Store;Photo 1 URL;Photo 2 URL;Date;Photo 3 URL",
        "1. Store;1. Photo;2. Photo;Date;3. Photo",
    ],
)
def test_numbered_columns_of_photos_are_all_read(header: str) -> None:
    content = f"{header}\nA;http://h/1;http://h/2;b;http://h/3\nB;n/a;http://h/2;b;-\n{header}\n"
    assert rows(content.encode(), {"store_id": "A"}) == [
        (2, ("A", "http://h/1\nhttp://h/2\nhttp://h/3", "b")),
        (3, ("B", "http://h/2", "b")),
    ]


def test_one_numbered_column_is_the_column_and_one_that_is_named_is_the_only_one() -> None:
    assert rows(b"Store;Photo 1;Date\nA;http://h/1;b\n") == [(2, ("A", "http://h/1", "b"))]
    content = b"Store;Photo 1;Photo 2;Date\nA;http://h/1;http://h/2;b\n"
    assert rows(content, {"image_url": "Photo 2"}) == [(2, ("A", "http://h/2", "b"))]
    for header in ("Store 1;Store 2;Photo;Date", "Store;Photo 1;Image 2;Date", "Store;Photo 1;Photo 1;Date"):
        assert "the header must name" in refusal(f"{header}\nA;b;c;d\n".encode())


def test_a_url_below_no_name_is_not_lost() -> None:
    told = "it has a URL in column C, which has no name"
    assert bad(b"Store;Photo;;Date\nA;http://h/1;http://h/2;b\nB;http://h/1;note;b\n") == {2: told}
    sheet = [
        ["Store", "Photo", "Date"],
        ["A", "http://h/1", "b", "note"],
        ["B", "http://h/1", "b", "http://h/2"],
    ]
    assert bad(xlsx({"Visits": sheet})) == {3: told.replace("C", "D")}
    stores = b"Area;Name;Store;;x\nN;A;B;http://h/1;\n"
    assert rows(stores, None, STORE_COLUMNS) == [(2, ("N", "A", "B", "", ""))]


def test_a_first_row_of_data_is_not_taken_for_the_header() -> None:
    places = {"store_id": "A", "image_url": "2", "visit_time": "C"}
    told = refusal(b"A;http://h/1;b\nB;http://h/2;b\n", places)
    assert told.startswith(
        "columns: line 1 holds a URL, so that it is no header: put a row with the columns' names"
    )
    assert rows(b"Filiale;Foto;Datum\nA;http://h/1;b\n", places) == [(2, ("A", "http://h/1", "b"))]


@pytest.mark.parametrize("is_workbook", [False, True])
def test_the_header_is_said_where_columns_are_named(*, is_workbook: bool) -> None:
    table = [["Filiale", "Foto", "Datum"], ["A", "http://h/1", "b"]]
    content = xlsx({"S": table}) if is_workbook else "\n".join(map(";".join, table)).encode()
    places = {"store_id": "A", "image_url": "B", "visit_time": "C"}
    with open_table(io.BytesIO(content), VISIT_COLUMNS, column_names=places) as found:
        word = "row" if is_workbook else "line"
        assert found.dialect.endswith(f", the header in {word} 1: Filiale, Foto, Datum")
