import base64
import os
from uuid import UUID

import pytest

from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import InvalidRequest
from retailpulse.fetch import CannotOpen, CredentialVault
from retailpulse.fetch.access.vault import MOST_BYTES, MOST_HOSTS
from retailpulse.fetch.target.urls import parse_target

SECRET = "hunter2-of-the-survey"
JOB, OTHER = UUID(int=1), UUID(int=2)
TABLE = {"survey.example.com": Credential(bearer=SECRET)}
ORIGIN = parse_target("https://survey.example.com/").origin


def new_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def test_what_is_sealed_opens_for_its_job_and_holds_no_secret_to_see() -> None:
    vault = CredentialVault([new_key()])
    sealed = vault.seal(JOB, TABLE)
    assert vault.open(JOB, sealed).of(ORIGIN).lines == (f"Authorization: Bearer {SECRET}",)
    for seen in (sealed, base64.urlsafe_b64decode(sealed), repr(vault).encode()):
        assert SECRET.encode() not in seen
        assert b"survey" not in seen


def test_what_is_sealed_opens_for_no_other_job_and_with_no_other_key() -> None:
    vault = CredentialVault([new_key()])
    sealed = vault.seal(JOB, TABLE)
    with pytest.raises(CannotOpen, match="for another job"):
        vault.open(OTHER, sealed)
    with pytest.raises(CannotOpen, match="no key of this worker"):
        CredentialVault([new_key()]).open(JOB, sealed)
    with pytest.raises(CannotOpen, match="no key"):
        CredentialVault([]).open(JOB, sealed)
    with pytest.raises(CannotOpen, match="no key of this worker"):
        vault.open(JOB, sealed[:-8] + b"AAAAAAAA")


def test_a_key_is_replaced_by_putting_another_before_it() -> None:
    old, new = new_key(), new_key()
    both = CredentialVault([new, old])
    assert both.open(JOB, CredentialVault([old]).seal(JOB, TABLE)).of(ORIGIN)
    assert CredentialVault([new]).open(JOB, both.seal(JOB, TABLE)).of(ORIGIN)


@pytest.mark.parametrize(
    "table",
    [
        {"survey.example.com": Credential(bearer=f"{SECRET}\n")},
        {"survey.example.com/a": Credential(bearer=SECRET)},
        {f"{number}.example": Credential(bearer=SECRET) for number in range(MOST_HOSTS + 1)},
        {f"{number}.example": Credential(bearer=SECRET + "x" * (MOST_BYTES // 3)) for number in range(3)},
    ],
)
def test_what_no_request_could_carry_is_refused_without_being_quoted(table: dict[str, Credential]) -> None:
    with pytest.raises(InvalidRequest, match=r"^credentials: ") as refused:
        CredentialVault([new_key()]).seal(JOB, table)
    assert SECRET not in str(refused.value)


def test_plain_http_is_refused_where_a_proxy_would_read_it() -> None:
    plain = {"http://survey.example.com": Credential(bearer=SECRET)}
    CredentialVault([new_key()]).seal(JOB, plain)
    with pytest.raises(InvalidRequest, match="to the proxy"):
        CredentialVault([new_key()], proxy="http://127.0.0.1:1").seal(JOB, plain)


def test_without_a_key_it_is_said_what_to_set() -> None:
    with pytest.raises(InvalidRequest, match="Set RETAILPULSE_FETCH_CREDENTIALS_KEY"):
        CredentialVault([]).seal(JOB, TABLE)


def test_a_digest_with_a_key_is_another_for_another_key() -> None:
    keys = new_key(), new_key()
    found = {CredentialVault([key]).fingerprint(b"digest") for key in keys}
    assert len(found | {b"digest"}) == 3
    assert CredentialVault([keys[0]]).fingerprint(b"digest") in found
