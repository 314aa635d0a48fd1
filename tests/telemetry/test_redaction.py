"""Secrets are masked in whatever is logged; what is no secret stays readable."""

import pytest

from retailpulse.telemetry.redaction import redact, redact_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://u:hunter2@h/x", "https://*@h/x"),
        ("s3://hunter2@h", "s3://*@h"),
        ("https://h/x?sig=hunter2", "https://h/x?sig=*"),
        ("https://h/x?hunter2", "https://h/x?*"),
        ("https://h/x?a=1;b=hunter2&c=2", "https://h/x?a=*&c=*"),
        ("https://h/x#hunter2", "https://h/x#*"),
        ("'https://h/x?q=hunter2', 'https://h/y?q=hunter2'", "'https://h/x?q=*', 'https://h/y?q=*'"),
        ("GET /photos/a?token=hunter2", "GET /photos/a?token=*"),
        ("Authorization: Bearer hunter2hunter2", "Authorization: Bearer *"),
        ("authorization: basic aHVudGVyMg==", "authorization: basic *"),
        ("rp_0123456789ab_" + "a" * 64, "rp_0123456789ab_*"),
        ("whsec_aHVudGVyMg==", "whsec_*"),
        ("dbname=x password=hunter2 host=y", "dbname=x password=* host=y"),
        ('{"secret_access_key": "hunter2"}', '{"secret_access_key": "*"}'),
        ("X-Amz-Security-Token: hunter2", "X-Amz-Security-Token: *"),
        ("https://u:p@hunter2@h/x", "https://*@h/x"),
        ("postgresql://u:a/hunter2@h/x", "postgresql://*@h/x"),
        ("postgresql://u:it's-hunter2@h:5432/x", "postgresql://*@h:5432/x"),
        ("u:hunter2@h/x", "*@h/x"),
        ("https://h/x;jsessionid=hunter2?a=1", "https://h/x;jsessionid=*?a=*"),
        ("https://h/x?a=1&hunter2#hunter2", "https://h/x?a=*&*#*"),
        ("https://h/x?hunter2=", "https://h/x?*"),
        ("https://h/x?q=it's-hunter2", "https://h/x?q=*"),
        ("https://h/x?q='hunter2'", "https://h/x?q=*"),
        ("BadUrl(url='https://h/x?hunter2', no=1)", "BadUrl(url='https://h/x?*', no=1)"),
        ("GET /photos/a?hunter2 HTTP/1.1", "GET /photos/a?* HTTP/1.1"),
        ("/go?to=https%3A%2F%2Fh%2Fx%3Fsig%3Dhunter2", "/go?to=*"),
        ("to https%3A%2F%2Fu%3Ahunter2%40h%2Fx", "to https%3A%2F%2F*"),
        ("Cookie: a=hunter2; b=hunter2", "Cookie: *"),
        ("Set-Cookie: session=hunter2; Path=/", "Set-Cookie: *"),
        ("{'cookie': 'a=hunter2; b', 'host': 'h'}", "{'cookie': '*', 'host': 'h'}"),
        ("[(b'cookie', b'a=hunter2'), (b'host', b'h')]", "[(b'cookie', b'*'), (b'host', b'h')]"),
        ("Authorization: hunter2", "Authorization: *"),
        ("Proxy-Authorization: Token hunter2", "Proxy-Authorization: *"),
        ('Authorization: Digest username="u", response="hunter2"', "Authorization: Digest *"),
        ("{'Authorization': 'Bearer it\\'s hunter2'}", "{'Authorization': '*'}"),
        ("password='it\\'s hunter2' host=h", "password='*' host=h"),
        ("password = hunter2", "password = *"),
        ("token='a,hunter2', x=1", "token='*', x=1"),
        ("{'bearer': 'hunter2'}", "{'bearer': '*'}"),
        ("basic='u:hunter2'", "basic='*'"),
        ("AccountKey=hunter2;x=1", "AccountKey=*;x=1"),
        ("private_key: hunter2", "private_key: *"),
    ],
)
def test_a_secret_is_masked_and_its_name_stays(text: str, masked: str) -> None:
    assert redact_text(text) == masked
    assert redact_text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "ready on http://127.0.0.1:9090 with 2 worker processes",
        "an image at https://photos.example/2026/a.jpg failed: HTTP 404",
        "an image at https://photos.example/@shop/a.jpg, and at https://[2001:db8::1]:8443/b.jpg",
        'connection to server at "127.0.0.1", port 5432 failed: no password supplied for user "x"',
        "exit code 3:4 at 2026-11-30T10:42:41.610Z",
        "a look-up of photos.example took 3 s; is it basic?",
        "swept: 2 silent workers, 7 of their images wait again",
        "the credentials of 3 hosts are read",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


def test_fields_are_masked_however_they_are_nested() -> None:
    fields = {"rows": [{"password": "hunter2", "images": 3}, ("https://h/?a=hunter2", None, 1.5, True)]}
    assert redact(fields) == {"rows": [{"password": "*", "images": 3}, ["https://h/?a=*", None, 1.5, True]]}
    assert redact(b"?a=hunter2") == "b'?a=*'"
    headers = [(b"authorization", b"hunter2"), ("Cookie", "hunter2"), ("host", "h")]
    assert redact(headers) == [["b'authorization'", "*"], ["Cookie", "*"], ["host", "h"]]
    assert redact({"https://h/?a=hunter2": 1, "passphrase": "hunter2", "auth": "hunter2"}) == {
        "https://h/?a=*": 1,
        "passphrase": "*",
        "auth": "*",
    }
