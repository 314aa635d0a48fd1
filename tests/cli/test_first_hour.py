"""The page of the first hour as its reader does it: files are drawn, commands run, and outputs compared.

Not here: `make setup` and `serve`, which the service of the tests stands for.
"""

import datetime
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from PIL import Image

from tests.origin import Origin, Reply
from tests.running import RunningService, clean_environment, wait_for

PAGE = (Path(__file__).parents[2] / "docs" / "first-hour.md").read_text()
PHOTOS = "https://photos.example"
SERVICE = "http://127.0.0.1:9090"
START = ["make setup", ". .venv/bin/activate", "retailpulse serve"]
TITLES = (
    "Start",
    "Load the stores",
    "Look at the visits before they are sent",
    "Submit, and get the results",
    "The same from a workbook",
    "The same by curl",
)
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def blocks(info: str, page: str = PAGE) -> list[str]:
    return re.findall(rf"^```{re.escape(info)}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@dataclass(kw_only=True)
class Reader:
    """Who types what the page says, in a folder with the page's files."""

    folder: Path
    service: RunningService
    photos: str
    job_id: str = ""

    def type(self, command: str, code: int = 0) -> str:
        """Runs a command in a shell and gives all that it prints, in the page's names."""
        command = command.replace("JOB_ID", self.job_id).replace(SERVICE, self.service.url)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command],
            env=clean_environment() | {"RETAILPULSE_URL": self.service.url, "PATH": path},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert done.returncode == code, done.stdout + done.stderr
        if "submit" in command and (found := ID.fullmatch(done.stdout.strip())):
            self.job_id = found[0]
        printed = (done.stdout + done.stderr).replace(f" at {self.photos}\n", f" at {PHOTOS}:443\n")
        return printed.replace(self.photos, PHOTOS)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """A workbook's rows by the names of its columns."""
        sheet = openpyxl.load_workbook(self.folder / name).active
        header, *rows = sheet.iter_rows(values_only=True)
        return [dict(zip(header, row, strict=True)) for row in rows]

    def visits(self) -> list[tuple[str, str]]:
        """The days on which the visits of the job are found, and their stores."""
        found = []
        for day in ("2026-11-19", "2026-11-20", "2026-12-03"):
            window = {"visited_after": f"{day}T00:00:00Z", "visited_before": f"{day}T23:59:59Z"}
            answer = self.service.http.get("/api/v1/visits", params={**window, "limit": "100"}).json()
            found += [(day, one["store_id"]) for one in answer["items"] if one["job_id"] == self.job_id]
        return sorted(found)


@pytest.fixture
def reader(service: RunningService, tmp_path: Path) -> Iterator[Reader]:
    picture = io.BytesIO()
    Image.new("RGB", (320, 240), "teal").save(picture, "JPEG")
    with Origin() as origin:
        for name in "abcde":
            origin.serve(f"/{name}.jpg", Reply(body=picture.getvalue()))
        reader = Reader(folder=tmp_path, service=service, photos=origin.url(""))
        for name in ("outlets.csv", "visits.csv"):
            write_csv(reader, name)
        write_workbook(reader)
        yield reader


def write_csv(reader: Reader, name: str) -> None:
    """A file of the page as Excel saves it."""
    (text,) = blocks(f"csv {name}")
    text = text.replace(PHOTOS, reader.photos).replace("\n", "\r\n")
    (reader.folder / name).write_bytes(text.encode("cp1252"))


def write_workbook(reader: Reader) -> None:
    """The visits of the page as a workbook: with a title, dates that are dates, and URLs on lines."""
    lines = (
        blocks("csv visits.csv")[0].replace(PHOTOS, reader.photos).replace("FR-1O2", "FR-102").splitlines()
    )
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["Visits of our teams"])
    sheet.append([])
    for line in lines:
        store_id, urls, day, route = line.split(";")
        date = datetime.datetime.strptime(day, "%d/%m/%Y").date() if "/" in day else day
        sheet.append([store_id or None, urls.replace(" ", "\n") or None, date or None, route or None])
    workbook.save(reader.folder / "visits.xlsx")


def correct(path: Path) -> None:
    """Does by hand what the page asks for."""
    path.write_bytes(path.read_bytes().replace(b"FR-1O2", b"FR-102"))


def compare(title: str, printed: str) -> None:
    """Each line of the output that the page shows begins one that was printed."""
    (shown,) = blocks("text", section(title))
    lines = printed.splitlines()
    for line in shown.splitlines():
        assert any(one.startswith(line) for one in lines), f"{line!r} is not in\n{printed}"


def commands(title: str) -> list[str]:
    return [line for block in blocks("sh", section(title)) for line in block.splitlines()]


def test_the_page_is_all_that_its_reader_types() -> None:
    sections = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    assert sections == list(TITLES)
    assert commands("Start") == START


def test_the_command_line_leads_from_csv_and_a_workbook_to_workbooks(reader: Reader) -> None:
    compare(TITLES[1], "".join(map(reader.type, commands(TITLES[1]))))
    store = reader.service.http.get("/api/v1/stores/FR-101").json()
    assert (store["store_name"], store["area_code"]) == ("Crémerie Hélène", "Süd")

    (check,) = commands(TITLES[2])
    compare(TITLES[2], reader.type(check, code=1))

    correct(reader.folder / "visits.csv")
    compare(TITLES[3], "".join(map(reader.type, commands(TITLES[3]))))
    check_results(reader)
    check_report(reader)

    (submit,) = commands(TITLES[4])
    assert "line 9  image_url  it is empty" in reader.type(submit)
    reader.type("retailpulse results JOB_ID -o results.xlsx")
    check_results(reader)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl")
def test_curl_leads_there_too(reader: Reader) -> None:
    reader.type("retailpulse stores import outlets.csv")
    stores, check, submit, status, *files = commands(TITLES[5])
    assert '"unchanged":4' in reader.type(stores)
    assert '"error_count":1' in reader.type(check)
    found = re.search(ID, reader.type(submit))
    assert found
    reader.job_id = found[0]
    wait_for(lambda: '"status":"completed"' in reader.type(status))
    for command in files:
        reader.type(command)
    check_results(reader)
    check_report(reader)


def check_results(reader: Reader) -> None:
    rows = reader.rows("results.xlsx")
    stores = ["DE-001", "DE-001", "DE-002", "FR-101", "FR-102"]
    assert [row["store_id"] for row in rows] == stores
    assert [row["image_url"] for row in rows] == [f"{reader.photos}/{name}.jpg" for name in "abcde"]
    assert {(row["outcome"], row["width"], row["height"]) for row in rows} == {("measured", 320, 240)}
    assert [row["extra"] for row in rows] == ['{"Route":"Tour Köln"}'] * 3 + ['{"Route":"Tournée Évry"}'] * 2
    assert (rows[0]["store_name"], rows[4]["store_name"]) == ("Bäckerei Müller", "Chez Zoë")
    assert reader.visits() == [
        ("2026-11-19", "DE-001"),
        ("2026-11-20", "DE-002"),
        ("2026-12-03", "FR-101"),
        ("2026-12-03", "FR-102"),
    ]


def check_report(reader: Reader) -> None:
    areas = {row["area_code"]: row for row in reader.rows("report.xlsx")}
    told = {area: (row["stores_visited"], row["visits"], row["measured"]) for area, row in areas.items()}
    assert told == {"Nord": (2, 2, 3), "Süd": (2, 2, 2)}
