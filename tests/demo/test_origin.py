"""The origin of the demo, over real HTTP, in this process and as a process of its own."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retailpulse.demo.origin import PhotoServer

PHOTO = bytes(range(256)) * 1000


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[httpx.Client]:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "shelf.jpg").write_bytes(PHOTO)
    (tmp_path / "secret.jpg").write_bytes(b"not for you")
    with PhotoServer(photos) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False) as client:
            yield client
        server.shutdown()
        thread.join()


def test_a_photo_is_served_whole_whatever_its_query(origin: httpx.Client) -> None:
    answer = origin.get("/photos/shelf.jpg?image=17")
    assert answer.status_code == 200
    assert answer.content == PHOTO
    assert answer.headers["content-type"] == "image/jpeg"


def test_one_connection_serves_many_photos(origin: httpx.Client) -> None:
    streams = {
        id(origin.get(f"/photos/shelf.jpg?image={number}").extensions["network_stream"])
        for number in range(5)
    }
    assert len(streams) == 1


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-99", 0, 99), ("bytes=255000-", 255_000, 255_999), ("bytes=255990-999999", 255_990, 255_999)],
)
def test_a_range_is_served_as_a_range(origin: httpx.Client, asked: str, first: int, last: int) -> None:
    answer = origin.get("/photos/shelf.jpg", headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/256000"
    assert answer.content == PHOTO[first : last + 1]


def test_a_range_that_it_does_not_know_gets_the_whole_file(origin: httpx.Client) -> None:
    answer = origin.get("/photos/shelf.jpg", headers={"Range": "bytes=0-1,5-6"})
    assert (answer.status_code, answer.content) == (200, PHOTO)


def test_a_range_behind_the_end_is_refused(origin: httpx.Client) -> None:
    assert origin.get("/photos/shelf.jpg", headers={"Range": "bytes=256000-"}).status_code == 416


def test_head_says_the_size_and_sends_nothing(origin: httpx.Client) -> None:
    answer = origin.head("/photos/shelf.jpg")
    assert (answer.headers["content-length"], answer.content) == ("256000", b"")


@pytest.mark.parametrize(
    "path",
    ["/missing/photo.jpg", "/photos/none.jpg", "/photos/", "/", "/photos/..%2Fsecret.jpg", "/secret.jpg"],
)
def test_anything_else_is_not_found(origin: httpx.Client, path: str) -> None:
    assert origin.get(path).status_code == 404


def test_a_cut_photo_promises_the_whole_and_breaks_off(origin: httpx.Client) -> None:
    came = b""
    with origin.stream("GET", "/cut/shelf.jpg") as answer:
        assert answer.headers["content-length"] == "256000"
        with pytest.raises(httpx.RemoteProtocolError):
            for piece in answer.iter_raw():
                came += piece
    assert came == PHOTO[: len(came)]
    assert 0 < len(came) < len(PHOTO)


def test_the_process_ends_when_whoever_started_it_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    child = subprocess.Popen(
        (sys.executable, "-m", "retailpulse.demo.origin", str(tmp_path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin
    assert child.stdout
    port = int(child.stdout.readline())
    assert httpx.get(f"http://127.0.0.1:{port}/photos/a.jpg", trust_env=False).content == PHOTO
    child.stdin.close()
    assert child.wait(20) == 0
    child.stdout.close()
