"""Coordinates of the store master: read from tables as people have them, kept, changed and taken away."""

from itertools import count
from typing import Any

import pytest

from tests.api.jobs import problem, put_stores
from tests.running import RunningService

_areas = count(1)


@pytest.fixture
def area() -> str:
    """An area code that no other test uses; ids of stores begin with it too."""
    return f"place-{next(_areas)}"


def load(service: RunningService, text: str, **parameters: Any) -> dict[str, Any]:
    """Loads a store file, and tells what that did."""
    answer = put_stores(service, text.encode(), **parameters)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def places(service: RunningService, area: str) -> list[tuple[float | None, float | None]]:
    """The coordinates of all stores of an area, by their ids."""
    items = service.http.get("/api/v1/stores", params={"area": area}).json()["items"]
    return [(item["latitude"], item["longitude"]) for item in items]


@pytest.mark.parametrize(
    "header",
    ["Latitude,Longitude", "lat,lng", "LAT,Long", "Store Latitude,Store Longitude", "gps_lat,gps_lon"],
)
def test_coordinates_may_be_called_and_written_in_many_ways(
    service: RunningService, area: str, header: str
) -> None:
    rows = (
        "12.971599,77.594566",
        '"-33,8688","151,2093"',
        " 0 , -0.5 ",
        "\u221212.5\u00b0,+77",
        "1e-3,180",
        ",",
    )
    lines = "".join(f"{area},Shop,{area}-{number},{row}\n" for number, row in enumerate(rows))
    assert load(service, f"AreaCode,StoreName,StoreID,{header}\n{lines}")["added"] == 6
    assert places(service, area) == [
        (12.971599, 77.594566),
        (-33.8688, 151.2093),
        (0, -0.5),
        (-12.5, 77),
        (0.001, 180),
        (None, None),
    ]


def test_a_file_without_coordinates_keeps_them_and_empty_cells_take_them_away(
    service: RunningService, area: str
) -> None:
    one, two = f"{area},One,{area}-1", f"{area},Two,{area}-2"
    located = f"AreaCode,StoreName,StoreID,Latitude,Longitude\n{one},1.5,2\n{two},3,4\n"
    assert load(service, located)["added"] == 2
    assert load(service, located)["unchanged"] == 2
    assert load(service, f"AreaCode,StoreName,StoreID\n{one.lower()}\n{two}\n")["changed"] == 1
    assert places(service, area) == [(1.5, 2), (3, 4)]
    moved = located.replace("1.5,2", ",").replace("3,4", "3,4.25")
    assert load(service, moved, dry_run="true")["changed"] == 2
    assert places(service, area) == [(1.5, 2), (3, 4)]
    assert load(service, moved)["changed"] == 2
    assert places(service, area) == [(None, None), (3, 4.25)]
    assert service.http.get(f"/api/v1/stores/{area}-2").json()["longitude"] == 4.25


def test_zero_zero_is_taken_for_unknown_and_counted(service: RunningService, area: str) -> None:
    lines = f"{area},Shop,{area}-1,0,0.0\n{area},Shop,{area}-2,0,9\n"
    told = load(service, f"AreaCode,StoreName,StoreID,Latitude,Longitude\n{lines}")
    assert (told["added"], told["unlocated"]) == (2, 1)
    assert places(service, area) == [(None, None), (0, 9)]


@pytest.mark.parametrize(
    ("cells", "column", "says"),
    [
        (
            "121.5,14.6",
            "Latitude",
            "the latitude 121.5 is beyond 90 degrees: are latitude and longitude swapped?",
        ),
        ("12971599,77.5", "Latitude", "beyond 90 degrees: did it lose its decimal point?"),
        ("12.5,775945", "Longitude", "beyond 180 degrees: did it lose its decimal point?"),
        ("12.5,", "Longitude", "the longitude is empty, the latitude is not: give both or none"),
        (",77.5", "Latitude", "the latitude is empty, the longitude is not: give both or none"),
        ("12 58 17 N,77.5", "Latitude", "is no number of degrees: write 12.9716"),
        ("12.5,nan", "Longitude", "is no number of degrees"),
        ('12.5,"1,234.5"', "Longitude", "is no number of degrees"),
    ],
)
def test_bad_coordinates_are_told_with_what_to_do(
    service: RunningService, area: str, cells: str, column: str, says: str
) -> None:
    text = f"AreaCode,StoreName,StoreID,Latitude,Longitude\n{area},Shop,{area}-1,{cells}\n"
    (error,) = problem(put_stores(service, text.encode()), 422, "unprocessable")["errors"]
    assert (error["line"], error["column"]) == (2, column)
    assert says in error["error"]
    assert places(service, area) == []


def test_one_coordinate_without_the_other_is_refused(service: RunningService, area: str) -> None:
    answer = put_stores(service, f"AreaCode,StoreName,StoreID,Lat\n{area},Shop,{area}-1,12\n".encode())
    assert "a column for Latitude but none for Longitude" in problem(answer, 400, "invalid-request")["detail"]
    told = load(
        service, f"AreaCode,StoreName,StoreID,Lat,Y\n{area},Shop,{area}-1,12,77\n", columns="Longitude:Y"
    )
    assert told["added"] == 1
    assert places(service, area) == [(12, 77)]


def test_an_export_of_stores_can_be_loaded_again(service: RunningService, area: str) -> None:
    row = f"{area},Shop,{area}-1,-12.971599,-77.594566"
    load(service, f"AreaCode,StoreName,StoreID,Latitude,Longitude\n{row}\n")
    query = {"area": area, "format": "csv", "safe": "spreadsheet"}
    assert load(service, service.http.get("/api/v1/stores", params=query).text)["unchanged"] == 1
