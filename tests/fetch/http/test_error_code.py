import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailpulse.fetch import Downloader
from retailpulse.fetch.http.error_code import LOOK_BYTES, find_error_code
from tests.fetch.failing import failure_of
from tests.origin import Origin, Reply

S3 = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SignatureDoesNotMatch</Code>'
    b"<Message>The request signature we calculated does not match</Message></Error>"
)
AZURE = (
    b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code>'
    b"<Message>Server failed to authenticate the request.</Message></Error>"
)
GOOGLE = b'{"error": {"code": 403, "message": "no access", "status": "PERMISSION_DENIED", "errors": []}}'
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    b"<Error><Code>&b;</Code></Error>"
)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (S3, "SignatureDoesNotMatch"),
        (AZURE, "AuthenticationFailed"),
        (b"<Error xmlns='http://s3.example'><Code>ExpiredToken</Code></Error>", "ExpiredToken"),
        (GOOGLE, "PERMISSION_DENIED"),
        (b'{"error": {"code": "AuthorizationFailure", "message": "x"}}', "AuthorizationFailure"),
        (b'{"error": "invalid_token"}', "invalid_token"),
        (b'{"code": "token.expired", "detail": {"a": [1, 2]}}', "token.expired"),
        (b'{"code": 40103}', "40103"),
    ],
)
def test_the_code_of_an_error_is_found(body: bytes, code: str) -> None:
    assert find_error_code(body, 403) == code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Forbidden",
        b"<!DOCTYPE html><html><body><Code>NotACode</Code></body></html>",
        b"<html><head><title>403</title></head><Code>NotACode</Code></html>",
        BOMB,
        b"<Error><Code>two words</Code></Error>",
        b"<Error><Code><b>NoSuchKey</b></Code></Error>",
        b"<Error><Code>" + b"x" * 65 + b"</Code></Error>",
        b'{"code": 403}',
        b'{"code": "403"}',
        b'{"code": true}',
        b'{"code": 1e300}',
        b'{"code": "a\\nb"}',
        b'{"error": {"code": {"code": "deep"}}}',
        b'["code"]',
        b"[" * LOOK_BYTES,
        b'{"error":' * (LOOK_BYTES // 9),
        b'{"code": "Cut',
        b"\xff\xfe<\x00E\x00r\x00r\x00o\x00r\x00",
    ],
)
def test_what_is_no_short_plain_word_is_no_code(body: bytes) -> None:
    assert find_error_code(body, 403) == ""


@given(st.binary(max_size=200), st.sampled_from([b"", b"<Error><Code>", b'{"code":', b'{"error":{"status":']))
def test_whatever_comes_makes_a_short_plain_word_or_nothing(body: bytes, before: bytes) -> None:
    code = find_error_code(before + body, 403)
    assert len(code) <= 64
    assert set(code) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@pytest.mark.parametrize("head", [False, True])
async def test_the_detail_of_a_status_names_the_code(
    origin: Origin, downloader: Downloader, head: bool
) -> None:
    url = origin.serve("/a.jpg", Reply(status=403, body=S3))
    asked = downloader.fetch_head(url, lambda _data: False) if head else downloader.fetch(url)
    assert (await failure_of(asked)).detail == "HTTP 403: SignatureDoesNotMatch"


async def test_a_code_is_of_its_own_answer_alone(origin: Origin, downloader: Downloader) -> None:
    coded = origin.serve("/a.jpg", Reply(status=404, body=S3))
    plain = origin.serve("/b.jpg", Reply(status=404, body=b"gone"))
    assert (await failure_of(downloader.fetch(coded))).detail == "HTTP 404: SignatureDoesNotMatch"
    assert (await failure_of(downloader.fetch(plain))).detail == "HTTP 404"


async def test_a_code_far_behind_is_not_looked_for(origin: Origin, downloader: Downloader) -> None:
    body = b"<Error>" + b" " * LOOK_BYTES + b"<Code>NoSuchKey</Code></Error>"
    url = origin.serve("/a.jpg", Reply(status=404, body=body))
    assert (await failure_of(downloader.fetch(url))).detail == "HTTP 404"
