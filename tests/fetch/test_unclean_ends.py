import gzip
import ssl
from collections.abc import Iterator

import pytest
import trustme

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.origin import Origin, Reply

BODY = bytes(range(256)) * 200
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
CHUNK = b"%x\r\n%b\r\n" % (len(BODY), BODY)
BROKEN = {
    "no last chunk": CHUNKED + b"\r\n" + CHUNK,
    "within its chunk": CHUNKED + b"\r\n" + b"%x\r\n%b" % (len(BODY) + 1, BODY),
    "no end of the last chunk": CHUNKED + b"\r\n" + CHUNK + b"0\r\n",
    "within the trailer": CHUNKED + b"\r\n" + CHUNK + b"0\r\nX-Sum: 1",
    "a stray line in the trailer": CHUNKED + b"\r\n" + CHUNK + b"0\r\nPTZ ready\r\n\r\n",
    "no chunk size": CHUNKED + b"\r\n" + CHUNK + b"ready\r\n",
}


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Origin, str]]:
    """An origin that never says close_notify, and the file of its CA."""
    authority = trustme.CA()
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Origin(tls=context) as origin:
        yield origin, str(file)


class Judge:
    """Says of each body that it is handed whether it is whole."""

    def __init__(self, *causes: Cause | None) -> None:
        self.causes = list(causes)
        self.judged: list[bytes] = []

    async def __call__(self, pieces: list[bytes]) -> None:
        self.judged.append(b"".join(pieces))
        cause = self.causes.pop(0) if len(self.causes) > 1 else self.causes[0]
        if cause is not None:
            raise ImageError(cause, "so it says")


@pytest.mark.parametrize("name", BROKEN)
async def test_a_whole_body_is_taken_at_once_however_its_answer_ended(
    origin: Origin, make_downloader: MakeDownloader, name: str
) -> None:
    judge = Judge(None)
    url = origin.serve("/a", Reply(raw=BROKEN[name]))
    fetched = await make_downloader().fetch_pieces(url, judge=judge)
    assert (b"".join(fetched.pieces), fetched.tries, len(origin.requests)) == (BODY, 1, 1)
    assert judge.judged == [BODY]


@pytest.mark.parametrize("head", [OK, CHUNKED])
async def test_a_whole_body_is_taken_without_close_notify(
    tls: tuple[Origin, str], make_downloader: MakeDownloader, head: bytes
) -> None:
    origin, ca_file = tls
    judge = Judge(None)
    url = origin.serve("/a", Reply(raw=head + b"\r\n" + (BODY if head is OK else CHUNK)))
    fetched = await make_downloader(ca_file=ca_file).fetch_pieces(url, judge=judge)
    assert (b"".join(fetched.pieces), fetched.tries, judge.judged) == (BODY, 1, [BODY])


async def test_an_answer_that_ends_as_it_should_is_not_judged(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    judge = Judge(Cause.TRUNCATED)
    for raw in (OK + b"\r\n" + BODY, CHUNKED + b"\r\n" + CHUNK + b"0\r\n\r\n"):
        fetched = await make_downloader().fetch_pieces(origin.serve("/a", Reply(raw=raw)), judge=judge)
        assert b"".join(fetched.pieces) == BODY
    assert judge.judged == []


async def test_a_body_that_is_shorter_than_its_declared_length_is_not_judged(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    judge = Judge(None)
    url = origin.serve("/a", Reply(body=BODY, declared_bytes=len(BODY) + 1))
    with pytest.raises(ImageError) as caught:
        await make_downloader().fetch_pieces(url, judge=judge)
    assert (caught.value.cause, caught.value.tries, judge.judged) == (Cause.TRUNCATED, 3, [])


@pytest.mark.parametrize("cause", [Cause.TRUNCATED, Cause.CORRUPT])
async def test_a_body_that_is_not_whole_is_fetched_again_until_it_ends_where_it_did_before(
    origin: Origin, make_downloader: MakeDownloader, cause: Cause
) -> None:
    replies = [Reply(raw=CHUNKED + b"\r\n" + b"ffff\r\n" + BODY[:size]) for size in (2_000, 900, 900)]
    with pytest.raises(ImageError) as caught:
        await make_downloader(tries=9).fetch_pieces(origin.serve("/a", *replies), judge=Judge(cause))
    assert (caught.value.cause, caught.value.tries, len(origin.requests)) == (Cause.TRUNCATED, 3, 3)
    assert caught.value.detail == "the connection closed before the end of the body; so it says"


async def test_a_body_that_is_whole_at_the_second_try_is_taken(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    url = origin.serve("/a", Reply(raw=CHUNKED + b"\r\n" + b"ffff\r\n" + BODY[:900]), Reply(body=BODY))
    judge = Judge(Cause.TRUNCATED)
    fetched = await make_downloader().fetch_pieces(url, judge=judge)
    assert (b"".join(fetched.pieces), fetched.tries, judge.judged) == (BODY, 2, [BODY[:900]])


async def test_what_no_further_byte_can_change_is_final(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    url = origin.serve("/a", Reply(raw=BROKEN["no last chunk"]))
    with pytest.raises(ImageError) as caught:
        await make_downloader().fetch_pieces(url, judge=Judge(Cause.UNSUPPORTED_FORMAT))
    assert (caught.value.cause, caught.value.tries) == (Cause.UNSUPPORTED_FORMAT, 1)


async def test_what_was_unpacked_of_a_coding_is_judged(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    packed = gzip.compress(BODY)[:-8]
    head = CHUNKED + b"Content-Encoding: gzip\r\n\r\n"
    judge = Judge(None)
    url = origin.serve("/a", Reply(raw=head + b"%x\r\n%b\r\n" % (len(packed), packed)))
    await make_downloader().fetch_pieces(url, judge=judge)
    assert judge.judged == [BODY]


async def test_the_slot_of_a_body_that_is_judged_is_free(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(per_host=1, concurrency=1)
    other = origin.serve("/b", Reply(body=BODY))

    async def judge(_: list[bytes]) -> None:
        assert (await downloader.fetch(other)).body == BODY

    await downloader.fetch_pieces(origin.serve("/a", Reply(raw=BROKEN["no last chunk"])), judge=judge)


@pytest.mark.parametrize(("needed", "is_found"), [(900, True), (901, False)])
async def test_a_head_is_enough_if_its_bytes_came(
    origin: Origin, make_downloader: MakeDownloader, needed: int, *, is_found: bool
) -> None:
    url = origin.serve("/a", Reply(raw=CHUNKED + b"\r\n" + b"ffff\r\n" + BODY[:900]))
    fetching = make_downloader().fetch_head(url, lambda body: len(body) >= needed)
    if is_found:
        assert (await fetching).tries == 1
    else:
        error = await failure_of(fetching)
        assert (error.cause, error.tries) == (Cause.TRUNCATED, 2)


@pytest.mark.parametrize(("kept", "is_whole"), [(0, True), (1, False)])
async def test_a_part_is_whole_by_its_content_range(
    origin: Origin, make_downloader: MakeDownloader, kept: int, *, is_whole: bool
) -> None:
    body = BODY[:900]
    head = b"HTTP/1.1 206 OK\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 0-899/900\r\n\r\n"
    url = origin.serve("/a", Reply(raw=head + b"384\r\n" + body[: len(body) - kept]))
    fetching = make_downloader().fetch_head(url, lambda _: False)
    if is_whole:  # what it lacks is not the connection's fault
        assert (await fetching).body == body
    else:
        error = await failure_of(fetching)
        assert (error.cause, error.tries) == (Cause.TRUNCATED, 2)
