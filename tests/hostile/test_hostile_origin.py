import asyncio
import gzip
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import httpx
import msgspec
import pytest

from retailpulse.config.settings import FetchSettings, MeasureSettings
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.fetch import Downloader
from retailpulse.measure import DecoderPool, measure_body, read_header
from tests.hostile import MEASURED, NETWORK, HostileOrigin, Rate, Trick
from tests.hostile.bodies import gzip_bomb, huge_png, photo, small_jpeg

Measure = Callable[[Downloader, str], Awaitable[str]]
"""What is found suspicious in a photo, or nothing."""

MAX_PIXELS = 250_000_000
ROOT = Path(__file__).parents[2]


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[HostileOrigin]:
    with HostileOrigin(tmp_path) as origin:
        yield origin


def reaching(origin: HostileOrigin, **settings: float) -> Downloader:
    """A downloader that may fetch from the origin."""
    reach = {"allowed_networks": NETWORK, "ports": origin.ports, "ca_file": str(origin.ca_file)}
    limits = {"backoff_seconds": 0.05, "max_body_bytes": 5_000_000, **settings}
    return Downloader(msgspec.convert({**reach, **limits}, FetchSettings))


def unhurried(origin: HostileOrigin) -> Downloader:
    """Its limits of time are out of reach of all but what takes for ever."""
    return reaching(origin, tries=2, concurrency=40, connect_timeout_seconds=20, stall_seconds=30)


def impatient(origin: HostileOrigin) -> Downloader:
    """Its limits of time are met soon."""
    return reaching(
        origin,
        tries=1,
        connect_timeout_seconds=0.6,
        tls_timeout_seconds=0.4,
        stall_seconds=1,
        timeout_seconds=4,
    )


def whole(decoders: DecoderPool) -> Measure:
    async def measure(downloader: Downloader, url: str) -> str:
        def judge(pieces: list[bytes]) -> Awaitable[object]:
            return decoders.measure(pieces, Depth.DECODE)

        pieces = (await downloader.fetch_pieces(url, judge=judge)).pieces
        return (await decoders.measure(pieces, Depth.DECODE)).suspect or ""

    return measure


async def head(downloader: Downloader, url: str) -> str:
    body = (await downloader.fetch_head(url, lambda body: read_header(body, MAX_PIXELS) is not None)).body
    return measure_body(body, Depth.HEADER, MAX_PIXELS).suspect or ""


async def conclusion(measuring: Awaitable[str]) -> tuple[str, str]:
    """Cause and detail that an image ends with, or what is suspicious in it."""
    try:
        return MEASURED, await measuring
    except ImageError as error:
        return error.cause, error.detail


async def conclusions(
    origin: HostileOrigin, downloader: Downloader, measure: Measure, *, waits: bool
) -> dict[str, tuple[str, str]]:
    """What our client makes of the tricks that only a limit of time ends, or of the others, all at once."""
    names = [name for name, trick in origin.tricks.items() if trick.waits is waits and not trick.heavy]
    try:
        ends = await asyncio.gather(*(conclusion(measure(downloader, origin.url(name))) for name in names))
    finally:
        await downloader.aclose()
    return dict(zip(names, ends, strict=True))


async def all_conclusions(origin: HostileOrigin, measure: Measure) -> dict[str, tuple[str, str]]:
    """What our client makes of every trick; the clock runs only while little else does."""
    quick = await conclusions(origin, unhurried(origin), measure, waits=False)
    return quick | await conclusions(origin, impatient(origin), measure, waits=True)


def surprises(
    ends: dict[str, tuple[str, str]], expected: Callable[[str], tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    """The tricks that ended otherwise than they should."""
    return {
        name: (cause, detail)
        for name, (cause, detail) in ends.items()
        if cause != expected(name)[0] or expected(name)[1] not in detail
    }


async def test_our_client_concludes_of_every_trick_what_it_should(hostile: HostileOrigin) -> None:
    def of_whole(name: str) -> tuple[str, str]:
        return hostile.tricks[name].expected, hostile.tricks[name].detail

    def of_head(name: str) -> tuple[str, str]:
        other = hostile.tricks[name].of_head
        return of_whole(name) if other is None else (other, "")

    decoders = DecoderPool(MeasureSettings())
    try:
        wholes, heads = await asyncio.gather(
            all_conclusions(hostile, whole(decoders)), all_conclusions(hostile, head)
        )
    finally:
        await decoders.aclose()
    for ends, expected in ((wholes, of_whole), (heads, of_head)):
        wrong = surprises(ends, expected)
        assert wrong == {}
    assert len(wholes) > 140


def raw(origin: HostileOrigin, name: str, size_bytes: int = 1_000_000) -> bytes:
    """What a trick sends to a plain GET, up to a size."""
    address = (origin.host(name), origin.port)
    with socket.create_connection(address, timeout=10) as line, line.makefile("rb") as answer:
        line.sendall(b"GET /1.jpg HTTP/1.1\r\nHost: x:%d\r\n\r\n" % origin.port)
        return answer.read(size_bytes)


def test_every_trick_has_an_address_of_its_own_and_says_what_it_is(hostile: HostileOrigin) -> None:
    tricks: list[Trick] = list(hostile.tricks.values())
    assert len({hostile.host(trick.name) for trick in tricks}) == len(tricks)
    assert len({trick.about for trick in tricks if not trick.is_good}) > len(tricks) * 0.8
    assert len({httpx.URL(hostile.url(trick.name)).port for trick in tricks}) == 2


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("close-after-request", b""),
        ("close-in-headers", b"HTTP/1.1 200 OK\r\nContent-Type: image/jp"),
        ("http-0-9", small_jpeg()),
    ],
)
def test_an_answer_that_breaks_off_breaks_off_with_a_close(
    hostile: HostileOrigin, name: str, sent: bytes
) -> None:
    assert raw(hostile, name) == sent


@pytest.mark.parametrize(
    "name", ["reset-on-accept", "reset-after-request", "reset-in-headers", "reset-in-body"]
)
def test_a_reset_is_a_reset(hostile: HostileOrigin, name: str) -> None:
    with pytest.raises(ConnectionResetError):
        raw(hostile, name)


@pytest.mark.parametrize(
    "name", ["endless-chunked", "endless-until-close", "ten-gigabytes", "endless-headers"]
)
def test_what_is_endless_goes_on_as_long_as_it_is_read(hostile: HostileOrigin, name: str) -> None:
    assert len(raw(hostile, name, 20_000_000)) == 20_000_000
    hostile.wait_until(lambda: hostile.seen(name).open == 0)
    assert 20_000_000 < hostile.seen(name).bytes_sent < 100_000_000


def test_the_gzip_bomb_is_true_gzip_and_a_thousand_times_what_it_sends() -> None:
    import zlib

    packed = b"".join(islice(gzip_bomb(10**10), 4))
    assert zlib.decompressobj(31).decompress(packed) == small_jpeg() + bytes(3 * 1_048_576)
    assert len(packed) * 300 < 3 * 1_048_576


def test_dead_hosts_are_dead(hostile: HostileOrigin) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((hostile.host("refused"), hostile.port), timeout=10)
    with pytest.raises(TimeoutError):
        socket.create_connection((hostile.host("black-hole"), hostile.port), timeout=0.1)


def test_a_good_host_speaks_plain_http_with_ranges_on_a_connection_that_stays(hostile: HostileOrigin) -> None:
    url = hostile.url("good-large")
    with httpx.Client(trust_env=False) as client:
        assert client.get(url).content == photo()
        part = client.get(url, headers={"Range": "bytes=100-199"})
        past = client.get(url, headers={"Range": "bytes=9999999-"})
    assert (part.status_code, part.content) == (206, photo()[100:200])
    assert (past.status_code, past.headers["content-range"]) == (416, f"bytes */{len(photo())}")
    assert (hostile.seen("good-large").connections, hostile.seen("good-large").requests) == (1, 3)


def test_chunks_and_gzip_come_to_the_same_photo(hostile: HostileOrigin) -> None:
    with httpx.Client(trust_env=False) as client:
        assert client.get(hostile.url("good-chunked")).content == photo()
        assert client.get(hostile.url("good-gzip")).content == small_jpeg()
    assert gzip.decompress(raw(hostile, "good-gzip").partition(b"\r\n\r\n")[2]) == small_jpeg()


def test_each_url_of_a_passing_trouble_has_its_own_first_time(hostile: HostileOrigin) -> None:
    with httpx.Client(trust_env=False) as client:
        urls = [hostile.url("unavailable-once", f"{turn % 2}.jpg") for turn in range(4)]
        assert [client.get(url).status_code for url in urls] == [503, 503, 200, 200]


def test_the_rate_is_kept_and_the_patience_told(tmp_path: Path) -> None:
    with (
        HostileOrigin(tmp_path, rate=Rate(per_second=3, retry_after_seconds=7)) as origin,
        httpx.Client(trust_env=False) as client,
    ):
        answers = [client.get(origin.url("rate-limited")) for _ in range(8)]
        assert [answer.status_code for answer in answers[:3]] == [200] * 3
        refused = [answer for answer in answers if answer.status_code == 429]
        assert {answer.headers["retry-after"] for answer in refused} == {"7"}


@pytest.mark.parametrize(
    ("name", "words"),
    [("tls-expired", "expired"), ("tls-wrong-name", "mismatch"), ("tls-self-signed", "self-signed")],
)
def test_a_bad_certificate_is_bad_in_the_way_it_says(hostile: HostileOrigin, name: str, words: str) -> None:
    trusting = ssl.create_default_context(cafile=hostile.ca_file)
    with (
        socket.create_connection((hostile.host(name), hostile.tls_port), timeout=10) as line,
        pytest.raises(ssl.SSLCertVerificationError, match=words),
    ):
        trusting.wrap_socket(line, server_hostname=hostile.host(name))


def test_one_certificate_is_good_for_both_twins(hostile: HostileOrigin) -> None:
    trusting = ssl.create_default_context(cafile=hostile.ca_file)
    trusting.set_alpn_protocols(["h2"])
    shown = set()
    for name, asked in (("h2-twin-a", "h2-twin-b"), ("h2-twin-b", "h2-twin-a")):
        with (
            socket.create_connection((hostile.host(name), hostile.tls_port), timeout=10) as line,
            trusting.wrap_socket(line, server_hostname=hostile.host(asked)) as speaking,
        ):
            assert speaking.selected_alpn_protocol() == "h2"
            shown.add(speaking.getpeercert(binary_form=True))
    assert len(shown) == 1


async def test_our_client_shares_no_connection_between_hosts_that_share_a_certificate(
    hostile: HostileOrigin,
) -> None:
    downloader = unhurried(hostile)
    for name in ("h2-twin-a", "h2-twin-b") * 2:
        assert (await downloader.fetch(hostile.url(name))).body == photo()
    await downloader.aclose()
    seen = [hostile.seen(name) for name in ("h2-twin-a", "h2-twin-b")]
    assert [(one.connections, one.requests) for one in seen] == [(1, 2), (1, 2)]


async def test_three_hundred_connections_are_served_at_once_and_counted(hostile: HostileOrigin) -> None:
    address = hostile.host("hang-after-request"), hostile.port
    lines = await asyncio.gather(*(asyncio.open_connection(*address) for _ in range(300)))
    for _, writer in lines:
        writer.write(b"GET /1.jpg HTTP/1.1\r\n\r\n")
    await asyncio.to_thread(hostile.wait_until, lambda: hostile.seen("hang-after-request").busy == 300)
    for _, writer in lines:
        writer.close()
        await writer.wait_closed()
    await asyncio.to_thread(hostile.wait_until, lambda: hostile.seen("hang-after-request").open == 0)
    seen = hostile.seen("hang-after-request")
    assert (seen.connections, seen.requests, seen.most_busy, seen.busy) == (300, 300, 300, 0)


def test_leaving_closes_every_connection_whatever_it_was_at(tmp_path: Path) -> None:
    names = [
        "hang-on-accept",
        "hang-in-body",
        "drip",
        "endless-chunked",
        "good-1",
        "tls-silent",
        "good-large",
    ]
    with HostileOrigin(tmp_path) as origin:
        lines = []
        for name in names:
            port = httpx.URL(origin.url(name)).port
            lines.append(socket.create_connection((origin.host(name), port), timeout=10))
            lines[-1].sendall(b"GET /1.jpg HTTP/1.1\r\nHost: x\r\n\r\n")
        origin.wait_until(lambda: all(origin.seen(name).open for name in names))
    assert all(origin.seen(name).open == 0 for name in names)
    assert "hostile-origin" not in {thread.name for thread in threading.enumerate()}
    for line in lines:
        with closing(line), pytest.raises((ConnectionResetError, StopIteration)):
            while line.recv(1_000_000):
                pass
            raise StopIteration


def test_a_port_that_is_taken_is_said_and_leaves_nothing_open(tmp_path: Path) -> None:
    with (
        HostileOrigin(tmp_path) as first,
        pytest.raises(OSError, match="in use"),
        HostileOrigin(tmp_path, port=first.port),
    ):
        pass


@pytest.mark.slow
def test_the_huge_png_is_a_true_one() -> None:
    assert len(huge_png()) < 1_000_000
    measured = measure_body(huge_png(), Depth.DECODE, MAX_PIXELS)
    assert (measured.width, measured.height, measured.suspect) == (15_800, 15_760, None)


def test_by_hand_it_writes_a_job_prints_the_table_and_ends_with_a_signal(tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    command = [sys.executable, "-m", "tests.hostile", "--port", "0", "--tls-port", "0"]
    arguments = ["--job", str(job), "--images", "103", "--bad-percent", "30"]
    with subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = list(iter(process.stdout.readline, "Ctrl-C ends it.\n"))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    rows = {words[0]: words[1:] for words in map(str.split, lines) if words}
    assert rows["not-found"][0].startswith("http://127.0.1.")
    assert rows["not-found"][1] == Cause.HTTP_STATUS
    body = json.loads(job.read_bytes())
    urls = [url for visit in body["visits"] for url in visit["image_url"]]
    assert (body["count"], len(urls), len(set(urls))) == (len(body["visits"]), 103, 103)
    good = {row[0].rpartition("/")[0] for name, row in rows.items() if name.startswith("good-")}
    assert sum(url.partition("/photos/")[0] not in good for url in urls) == 30
