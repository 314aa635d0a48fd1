import msgspec
import pytest

from retailpulse.domain.credentials import MOST_HEADERS, MOST_VALUE_BYTES, Credential

SECRET = "hunter2-of-the-survey"


def test_a_token_a_password_and_headers_become_header_lines() -> None:
    assert Credential(bearer="abc").lines() == ("Authorization: Bearer abc",)
    assert Credential(basic="user:pass:word").lines() == ("Authorization: Basic dXNlcjpwYXNzOndvcmQ=",)
    headers = {"X-Api-Key": "a b", "Authorization": "Token c"}
    assert Credential(headers=headers).lines() == ("X-Api-Key: a b", "Authorization: Token c")


@pytest.mark.parametrize(
    "credential",
    [
        Credential(),
        Credential(headers={"X-Key": f"{SECRET}\r\nX-Other: 1"}),
        Credential(headers={"X-Key": f"{SECRET}\n"}),
        Credential(headers={"X-Key": f" {SECRET}"}),
        Credential(headers={"X-Key": f"{SECRET}\x00"}),
        Credential(headers={"X-Key": f"{SECRET}ü"}),
        Credential(headers={"X-Key": ""}),
        Credential(headers={"X-Key": SECRET + "x" * MOST_VALUE_BYTES}),
        Credential(headers={f"X-Key: {SECRET}": "1"}),
        Credential(headers={"": SECRET}),
        Credential(headers={f"X-{number}": SECRET for number in range(MOST_HEADERS + 1)}),
        Credential(headers={"x-key": SECRET, "X-Key": SECRET}),
        Credential(headers={"x-key": SECRET}, bearer=SECRET),
        Credential(bearer=SECRET, basic=f"user:{SECRET}"),
        Credential(bearer=f"{SECRET} x"),
        Credential(basic=SECRET),
        Credential(basic=f":{SECRET}"),
        Credential(basic=f"user:{SECRET}\n"),
        Credential(basic=f"user:{SECRET}\ud800"),
    ],
)
def test_what_could_be_read_otherwise_is_refused_without_being_quoted(credential: Credential) -> None:
    with pytest.raises(ValueError) as refused:
        credential.lines()
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "Host", "content-length", "Transfer-Encoding", "Connection", "TE", "Upgrade", "Cookie", "Range",
        "If-Range", "If-None-Match", "Proxy-Authorization", "X-Forwarded-For", "Accept-Encoding",
        "X-Client-IP", "True-Client-IP", "X-Host", "X-Envoy-Original-Path", "X-Original-URL", "Origin",
        "Accept", "X-aliyun-ecs-metadata-token",
        "User-Agent", "X-HTTP-Method-Override", "Metadata-Flavor", "X-aws-ec2-metadata-token", "Expect",
    ],
)  # fmt: skip
def test_headers_that_frame_or_change_a_request_cannot_be_set(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be set"):
        Credential(headers={name: "1"}).lines()


def test_no_repr_shows_a_secret() -> None:
    credential = Credential(headers={"X-Key": SECRET}, bearer=SECRET, basic=f"user:{SECRET}")
    assert SECRET not in repr(credential) + str(credential) + str(credential.__rich_repr__())


def test_a_field_that_is_none_is_refused_without_its_value() -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert({"token": SECRET}, Credential)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("name", ["X_Forwarded_For", "Transfer_Encoding", "X.Forwarded.For", "X Key", ""])
def test_a_name_that_some_servers_read_as_another_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name is none"):
        Credential(headers={name: "value"}).lines()


def test_the_token_of_a_metadata_service_is_refused() -> None:
    with pytest.raises(ValueError, match="metadata"):
        Credential(bearer="Oracle").lines()
