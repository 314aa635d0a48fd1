"""Files as people hand them to pages, and what pages answer to them."""

import re
from html import unescape

import httpx

from tests.api.jobs import RunningApi
from tests.running import RunningService

HTML = {"Accept": "text/html"}
Service = RunningService | RunningApi
_SELECT = re.compile(r'title="([^"]*)">[^<]*</label>.*?<select[^>]*>(.*?)</select>', re.DOTALL)
_OPTION = re.compile(r'<option value="([^"]*)"[^>]*>([^<]*)</option>')
WINDOWS = (
    "Outlet;Fotos;Datum;Tour\r\n"
    "RP00001;https://photos.example/a.jpg https://photos.example/b.jpg;19/11/2026;Köln\r\n"
    "RP00002;https://photos.example/c.jpg;03/12/2026;Évry\r\n"
).encode("cp1252")


def hand_in(
    service: Service,
    content: bytes,
    name: str = "visits.csv",
    to: str = "/submit",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Sends a file as the form of a page does."""
    return service.http.post(to, files={"file": (name, content)}, headers={**HTML, **(headers or {})})


def look(service: Service, answer: httpx.Response, **query: str | list[str]) -> httpx.Response:
    """The page that looks at a file that was handed in."""
    assert answer.status_code == 303, answer.text
    path = httpx.URL(answer.headers["location"]).copy_merge_params(query)
    shown = service.http.get(str(path), headers=HTML)
    assert shown.status_code == 200, shown.text
    return shown


def text_of(answer: httpx.Response) -> str:
    """What a page says, without its elements."""
    main = answer.text.partition("<main")[2]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", main)))


def send(service: Service, answer: httpx.Response, **fields: str | list[str]) -> httpx.Response:
    """Presses Send for a file that was handed in."""
    path = answer.headers["location"].partition("?")[0]
    return service.http.post(path, data=fields, headers=HTML)


def options(text: str) -> dict[str, str]:
    """The options of all selects of a page: value by text of the column and of the option."""
    found = {}
    for column, select in _SELECT.findall(text):
        for value, name in _OPTION.findall(select):
            found[f"{unescape(column)} is {name}"] = unescape(value)
    return found
