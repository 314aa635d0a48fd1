"""Pages and their cursors: opaque, of one list only, and refused where they are damaged."""

import base64
import string
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from retailpulse.api.v1.pages import Cursors, RowNumber
from retailpulse.domain.errors import NotFound
from tests.api.jobs import CORNER_SHOP, visit
from tests.running import RunningService

JOB = UUID("01932c5e-7a00-7000-8000-000000000001")
NUMBERS: Cursors[int] = Cursors("numbers", RowNumber)
RESULTS: Cursors[int] = Cursors("results", RowNumber)
PLACES: Cursors[tuple[str, UUID]] = Cursors("places", tuple[str, UUID])
ALPHABET = string.ascii_letters + string.digits + "-_"


@pytest.mark.parametrize("text", ["", "a", "RP1", 'a"b\\', "é\u2028\U0001f600", "x" * 512])
def test_a_position_survives_its_cursor(text: str) -> None:
    written = PLACES.write((text, JOB))
    assert set(written) <= set(ALPHABET)
    assert PLACES.read(written) == (text, JOB)


def test_no_cursor_is_the_beginning() -> None:
    assert NUMBERS.read(None) is None
    assert NUMBERS.read("") is None


def test_a_cursor_with_any_character_changed_lost_or_added_is_refused() -> None:
    good = PLACES.write(("RP1", JOB))
    damaged = {good[:place] + other + good[place + 1 :] for place in range(len(good)) for other in ALPHABET}
    damaged |= {good[:end] for end in range(1, len(good))} | {good + other for other in f"{ALPHABET}= \n"}
    for text in damaged - {good}:
        with pytest.raises(NotFound, match=r"^cursor: "):
            PLACES.read(text)


@pytest.mark.parametrize(
    "text",
    ["1", "é", "\0", "====", "null", "a b", "\ud800", base64.urlsafe_b64encode(b"[" * 4000).decode()],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(NotFound, match=r"^cursor: "):
        NUMBERS.read(text)


def test_a_cursor_of_another_list_is_refused() -> None:
    others: Cursors[int] = Cursors("others", RowNumber)
    assert others.read(others.write(7)) == 7
    with pytest.raises(NotFound):
        NUMBERS.read(others.write(7))


def test_positions_that_no_list_can_have_are_refused() -> None:
    for number in (-1, 2**31):
        with pytest.raises(NotFound):
            NUMBERS.read(NUMBERS.write(number))
    with pytest.raises(NotFound):
        PLACES.read(PLACES.write(("a\0b", JOB)))


def test_the_link_keeps_what_was_asked_and_is_a_plain_ascii_path(service: RunningService) -> None:
    job_id = service.submit([visit(CORNER_SHOP, "no 1", "no 2")])
    stores = ['ü & "<>;', "", CORNER_SHOP]
    query = {"store_id": stores, "limit": "1", "format": "json"}
    answer = service.http.get(f"/api/v1/jobs/{job_id}/results/", params=query)
    following = answer.json()["next"]
    assert following.isascii()
    assert answer.headers["link"] == f'<{following}>; rel="next"'
    told = urlsplit(following)
    assert (told.scheme, told.netloc) == ("", "")
    asked = parse_qs(told.query, keep_blank_values=True)
    assert RESULTS.read(asked.pop("cursor")[0]) == 1
    assert asked == {"store_id": stores, "limit": ["1"], "format": ["json"]}
    last = service.http.get(following)
    assert [row["image_no"] for row in last.json()["items"]] == [2]
    assert (last.json()["next"], last.headers.get("link")) == (None, None)
