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
