"""The store master, its visits, and the result of loading it."""

from typing import Annotated

from retailpulse.domain.times import Instant
from retailpulse.schema.record import Record, described


class Store(Record, frozen=True, kw_only=True):
    """A store of the master."""

    store_id: Annotated[str, described("Its id.", example="RP00001")]
    area_code: Annotated[str, described("Its area.", example="7100015")]
    store_name: Annotated[str, described("Its name.", example="Corner Shop, Harbour Street")]
    latitude: Annotated[float | None, described("Degrees; null: unknown.", example=12.971599)] = None
    longitude: Annotated[float | None, described("Degrees; null: unknown.", example=77.594566)] = None


class Area(Record, frozen=True, kw_only=True):
    """An area of the store master."""

    area_code: Annotated[str, described("Its code.", example="7100015")]
    stores: Annotated[int, described("How many stores it has.", example=3)]


class Visit(Record, frozen=True, kw_only=True):
    """One visit to a store of the master, as a job told it."""

    job_id: Annotated[str, described("The job that reported it.", format="uuid")]
    visit_no: Annotated[int, described("Its number in the job, from 1.", example=1)]
    store_id: Annotated[str, described("The id of the store.", example="RP00001")]
    area_code: Annotated[str, described("The area of the store.", example="7100015")]
    store_name: Annotated[str, described("The name of the store.", example="Corner Shop, Harbour Street")]
    visit_time: Annotated[str, described("As submitted.", example="2026-11-20T10:00:00Z")]
    visited_at: Annotated[
        Instant | None, described("The same as an instant, UTC; null if it is no time.")
    ] = None
    images: Annotated[int, described("How many images it has.", example=3)]
    measured: Annotated[int, described("Those that were measured so far.", example=2)]
    failed: Annotated[int, described("Those that could not be measured.", example=1)]
    cancelled: Annotated[int, described("Those without a result when the job was cancelled.", example=0)] = 0
    perimeter: Annotated[int, described("The sum over its measured images, in pixels.", example=14200)]


class BadLine(Record, frozen=True, kw_only=True):
    """A line of a store file that cannot be loaded."""

    line: Annotated[int, described("The line in which the record begins; the header is 1.", minimum=1)]
    column: Annotated[str | None, described("The column; null: the line as a whole.", example="StoreID")] = (
        None
    )
    error: Annotated[
        str, described("What is wrong with it, and what to do.", example="the store id is empty")
    ]


class Imported(Record, frozen=True, kw_only=True):
    """The result of loading a store file, or, if it was only tried, of what loading it would do."""

    loaded: Annotated[bool, described("Whether anything was loaded.", example=True)]
    added: Annotated[int, described("New stores.", example=3, minimum=0)]
    changed: Annotated[int, described("Stores with another name, area or place than before.", minimum=0)]
    unchanged: Annotated[int, described("Stores that were so already.", minimum=0)]
    rejected: Annotated[int, described("Bad lines, all of them.", minimum=0)]
    unlocated: Annotated[
        int,
        described("Stores whose Latitude and Longitude are both 0, which is taken for unknown.", minimum=0),
    ] = 0
    errors: Annotated[list[BadLine], described("The first hundred bad lines.", example=[], maxItems=100)]
    dry_run: Annotated[bool, described("Whether it was only tried.", example=False)] = False
    read_as: Annotated[
        str | None, described("As what the file was read.", example="CSV, separator semicolon, Windows-1252")
    ] = None
