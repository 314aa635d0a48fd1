"""Takes the pictures of docs/screenshots: pages of a real service with the photos that the demo draws.

Run by `make screenshots`, which needs Chromium. The demo's job is split in two: one that has ended, with all
bad photos in it, and one that runs while the overview is taken.
"""

import io
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from retailpulse.cli.demo_flags import settled_flags
from retailpulse.client import Client
from retailpulse.demo.drawing import draw
from retailpulse.demo.job import DemoJob
from retailpulse.demo.stage import Stage, free_port
from retailpulse.demo.trouble import build_job, write_bad_files
from retailpulse.samples import sample_stores
from tests.browser import CHROMIUM, browsing
from tests.running import wait_for

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_BYTES = 120_000
DESK, PHONE = (1280, 800), (390, 844)
_IMAGES, _VISITS_OF_ENDED = 700, 50
_SHARE_SEEN = 0.3
_PATIENCE_SECONDS = 300.0
_QUALITY = 80


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A picture: of which page, in a window of which size, in which colours."""

    name: str
    path: str
    size: tuple[int, int] = DESK
    scheme: str = "light"


WHILE_RUNNING = (
    Shot(name="overview-light", path="/"),
    Shot(name="overview-dark", path="/", scheme="dark"),
    Shot(name="overview-phone", path="/", size=PHONE),
)
AT_REST = (
    Shot(name="job", path="/jobs/{job}"),
    Shot(name="photo", path="/jobs/{job}/photos/{copy}"),
    Shot(name="review-dark", path="/review?flag=copy", scheme="dark"),
    Shot(name="review-phone", path="/review?flag=copy", size=PHONE),
)
SHOTS = (*WHILE_RUNNING, *AT_REST)


def main() -> int:
    """Takes all pictures again; gives 2 if there is no Chromium."""
    if CHROMIUM is None:
        print("Chromium is needed: apt-get install chromium", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    with staged() as (stage, planned, client), tempfile.TemporaryDirectory() as profile:
        names = _end_first_job(client, planned)
        running = client.submit(planned.body["visits"][_VISITS_OF_ENDED:], name="Week 48, all stores")
        with browsing(Path(profile)) as browser:
            wait_for(lambda: _share_settled(client, running) > _SHARE_SEEN, _PATIENCE_SECONDS)
            for shot in WHILE_RUNNING:
                capture(browser.page, stage.url, shot, names)
            client.wait(running)
            for shot in AT_REST:
                capture(browser.page, stage.url, shot, names)
    return 0


@contextmanager
def staged() -> Iterator[tuple[Stage, DemoJob, Client]]:
    """A service with the sample stores, a job for it, and a client; its photos are drawn."""
    with Stage(free_port()) as stage:
        planned = build_job(origin=stage.origin_url, images=_IMAGES, now=datetime.now(UTC))
        for _ in draw(planned, stage.photos):
            pass
        write_bad_files(stage.photos)
        stage.wait_until_ready()
        with Client(stage.url) as client:
            client.import_stores(io.StringIO(sample_stores()))
            yield stage, planned, client


def _end_first_job(client: Client, planned: DemoJob) -> Mapping[str, object]:
    """The job in which all bad photos are, ended and flagged; gives what stands in the paths of shots."""
    visits = planned.body["visits"][:_VISITS_OF_ENDED]
    job_id = client.submit(visits, name="Week 47, north", labels={"region": "north"})
    client.wait(job_id)
    settled_flags(client, planned, job_id)
    copy = next(match.photo for match in client.matches(job_id=job_id))
    return {"job": job_id, "copy": copy.image_no}


def _share_settled(client: Client, job_id: str) -> float:
    images = client.job(job_id).images
    return images.settled / images.total


def capture(page: Page, url: str, shot: Shot, names: Mapping[str, object]) -> None:
    """Writes one picture as WebP."""
    page.set_viewport_size({"width": shot.size[0], "height": shot.size[1]})
    page.emulate_media(color_scheme="dark" if shot.scheme == "dark" else "light")
    page.goto(url + shot.path.format_map(names))
    page.wait_for_function("[...document.images].every(one => one.complete || one.loading === 'lazy')")
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    file = FOLDER / f"{shot.name}.webp"
    picture.convert("RGB").save(file, quality=_QUALITY, method=6)
    print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    raise SystemExit(main())
