import gzip
import zlib

import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.http.codings import MOST_MEMBERS, Coding, Decompressor, find_coding

PHOTO = bytes(range(256)) * 400
RAW = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
DEFLATED_RAW = RAW.compress(PHOTO) + RAW.flush()
CODED: dict[str, tuple[Coding, bytes]] = {
    "gzip": ("gzip", gzip.compress(PHOTO)),
    "members": ("gzip", gzip.compress(PHOTO[:1_000]) + gzip.compress(b"") + gzip.compress(PHOTO[1_000:])),
    "gzip and garbage": ("gzip", gzip.compress(PHOTO) + b"garbage" * 1_000),
    "deflate": ("deflate", zlib.compress(PHOTO)),
    "raw deflate": ("deflate", DEFLATED_RAW),
    "deflate and garbage": ("deflate", zlib.compress(PHOTO) + b"\x1f\x8bgarbage"),
}


def head(*values: str, name: str = "Content-Encoding") -> bytes:
    lines = ["HTTP/1.1 200 OK", "Content-Type: image/jpeg", *(f"{name}: {value}" for value in values)]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("values", "coding"),
    [
        ([], None),
        (["gzip"], "gzip"),
        (["X-GZIP"], "gzip"),
        (["deflate"], "deflate"),
        (["gzip;q=1"], "gzip"),
        (["identity"], None),
        (["base64"], None),
        (["utf-8"], None),
        (["aws-chunked"], None),
        (["binary", "none"], None),
        (["image/jpeg"], None),
        ([""], None),
        (["gzip,"], "gzip"),
        (["aws-chunked, gzip"], "gzip"),
        (["identity", "gzip"], "gzip"),
    ],
)
def test_a_name_that_is_no_coding_changes_nothing(values: list[str], coding: str | None) -> None:
    assert find_coding(head(*values)) == coding
    assert find_coding(head(*values, name="CONTENT-ENCODING")) == coding


@pytest.mark.parametrize("values", [["gzip, gzip"], ["gzip", "gzip"], ["gzip,utf-8,deflate"], ["br,gzip"]])
def test_more_than_one_coding_is_refused(values: list[str]) -> None:
    with pytest.raises(TryFailed, match="2 content codings"):
        find_coding(head(*values))


@pytest.mark.parametrize("value", ["br", "zstd", "compress", "x-compress", "ZSTD"])
def test_a_coding_that_nobody_asked_for_is_refused_by_its_name(value: str) -> None:
    with pytest.raises(TryFailed, match=f"bad_response: the content coding {value.lower()}, which was not"):
        find_coding(head(value))


def unpack(decompressor: Decompressor, body: bytes, *, piece_bytes: int, step_bytes: int) -> list[bytes]:
    """All steps of a body that comes in pieces."""
    steps = []
    for at in range(0, len(body), piece_bytes):
        steps.append(decompressor.step(body[at : at + piece_bytes], step_bytes))
        while decompressor.has_more:
            steps.append(decompressor.step(b"", step_bytes))
    return steps


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize(("piece_bytes", "step_bytes"), [(1, 100_000), (1_000_000, 7), (100, 100)])
def test_whatever_its_pieces_a_body_comes_out_whole_in_steps_of_bounded_size(
    name: str, piece_bytes: int, step_bytes: int
) -> None:
    coding, body = CODED[name]
    decompressor = Decompressor(coding)
    steps = unpack(decompressor, body, piece_bytes=piece_bytes, step_bytes=step_bytes)
    assert b"".join(steps) == PHOTO
    assert max(map(len, steps)) <= step_bytes
    decompressor.check_end()


@pytest.mark.parametrize("name", ["gzip", "deflate", "raw deflate"])
@pytest.mark.parametrize("kept_bytes", [1, 2, 5, 200])
def test_a_body_that_ends_before_its_coding_is_truncated(name: str, kept_bytes: int) -> None:
    coding, body = CODED[name]
    decompressor = Decompressor(coding)
    unpack(decompressor, body[:kept_bytes], piece_bytes=10, step_bytes=1_000)
    with pytest.raises(TryFailed) as caught:
        decompressor.check_end()
    assert caught.value.cause is Cause.TRUNCATED


def test_no_body_at_all_is_whole() -> None:
    Decompressor("gzip").check_end()
    Decompressor("deflate").check_end()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"\xff\xd8\xff\xe0"),
        ("deflate", b"\xff\xd8\xff\xe0"),
        ("gzip", gzip.compress(PHOTO)[:-8] + bytes(8)),
    ],
)
def test_what_is_not_in_its_coding_is_a_bad_response(coding: Coding, body: bytes) -> None:
    with pytest.raises(TryFailed, match=f"bad_response: the body is not valid {coding}"):
        unpack(Decompressor(coding), body, piece_bytes=10, step_bytes=1_000)


def test_a_step_that_gives_nothing_takes_no_more_than_it_was_given() -> None:
    empty_blocks = gzip.compress(b"", 0)[:10] + b"\x00\x00\x00\xff\xff" * 10_000
    decompressor = Decompressor("gzip")
    assert decompressor.step(empty_blocks, 1_000) == b""
    assert not decompressor.has_more


def test_members_are_counted() -> None:
    decompressor = Decompressor("gzip")
    assert (
        unpack(decompressor, gzip.compress(b"") * MOST_MEMBERS, piece_bytes=7_000, step_bytes=1_000)[-1]
        == b""
    )
    with pytest.raises(TryFailed, match="bad_response: gzip of more than 1000 members"):
        decompressor.step(gzip.compress(b""), 1_000)
