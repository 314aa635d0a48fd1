"""Objects of cloud stores: signed with the keys of the settings, and fetched as any URL is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ConfigError
from retailpulse.domain.images import Cause
from retailpulse.domain.object_stores import StoreCredential, parse_object_url
from retailpulse.fetch import origin_key
from retailpulse.fetch.access.object_stores import ObjectStores
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.fetch.http.test_tls import certificate, needs_openssl
from tests.origin import Origin, Reply, Seen
from tests.signed import is_signed

KEY_ID, SECRET, REGION = "AKIDEXAMPLE", "hunter2-of-the-bucket", "eu-central-1"
BODY = b"photo" * 9_000
PAIR = {"access_key_id": "a", "secret_access_key": SECRET}


class Bucket:
    """A store on loopback that gives objects only to signed requests, by the path without its query."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._replies: dict[str, Reply] = {}

    def put(self, key: str) -> str:
        """Puts the photo under a key; returns its URL."""
        self._replies[f"/shelf-photos/{quote(key, safe='/-_.~')}"] = Reply(body=BODY)
        return f"s3://shelf-photos/{key}"

    def settings(self, **fields: str) -> dict[str, Any]:
        given = {
            "access_key_id": KEY_ID,
            "secret_access_key": SECRET,
            "region": REGION,
            "endpoint": self.origin.url(""),
        } | fields
        return {"stores": {"s3://shelf-photos": StoreCredential(**given)}}

    def answer(self, seen: Seen) -> Reply:
        if not is_signed(seen, KEY_ID, SECRET, REGION):
            return Reply(status=403, body=b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        missing = Reply(status=404, body=b"<Error><Code>NoSuchKey</Code></Error>")
        return self._replies.get(seen.path.partition("?")[0], missing)


@pytest.fixture
def bucket(origin: Origin) -> Bucket:
    made = Bucket(origin)
    origin.decide = made.answer
    return made


@pytest.mark.parametrize(
    "key", ["a.jpg", "2026/week 47/a+b%20c.jpg", "ü/ß?x=1#y&z.jpg", "a=b~c'd(e)!*;:@.png"]
)
async def test_an_object_is_asked_for_with_a_signature_that_the_store_accepts(
    bucket: Bucket, make_downloader: MakeDownloader, key: str
) -> None:
    made = make_downloader(**bucket.settings())
    url = bucket.put(key)
    assert (await made.fetch(url)).body == BODY
    assert (await made.fetch_head(url, lambda data: len(data) > 40_000)).body[:40_000] == BODY[:40_000]
    assert [seen.headers.get("range") for seen in bucket.origin.requests] == [
        None, "bytes=0-16383", "bytes=16384-65535",
    ]  # fmt: skip


async def test_what_the_store_says_is_the_detail(bucket: Bucket, make_downloader: MakeDownloader) -> None:
    missing = await failure_of(make_downloader(**bucket.settings()).fetch("s3://shelf-photos/none.jpg"))
    assert (missing.cause, missing.detail) == (Cause.HTTP_STATUS, "HTTP 404: NoSuchKey")
    wrong = make_downloader(**bucket.settings(secret_access_key="another"))
    assert (await failure_of(wrong.fetch(bucket.put("a.jpg")))).detail == "HTTP 403: SignatureDoesNotMatch"


@needs_openssl
async def test_an_endpoint_with_tls_is_verified(tmp_path: Path, make_downloader: MakeDownloader) -> None:
    context, pem = certificate(tmp_path, "127.0.0.1")
    with Origin(tls=context) as origin:
        bucket = Bucket(origin)
        origin.decide = lambda seen: replace(bucket.answer(seen), close=True)
        url = bucket.put("a.jpg")
        assert (await make_downloader(**bucket.settings(), ca_file=str(pem)).fetch(url)).body == BODY
        assert (await failure_of(make_downloader(**bucket.settings()).fetch(url))).cause is Cause.TLS


async def test_the_policy_of_addresses_and_ports_holds_for_an_endpoint(
    bucket: Bucket, make_downloader: MakeDownloader
) -> None:
    url = bucket.put("a.jpg")
    for limits in ({"allowed_networks": ""}, {"ports": "443"}):
        error = await failure_of(make_downloader(**bucket.settings(), **limits).fetch(url))
        assert error.cause is Cause.BLOCKED_ADDRESS
    assert bucket.origin.requests == []


async def test_a_bucket_without_credentials_is_not_asked_and_it_is_said_what_to_set(
    bucket: Bucket, make_downloader: MakeDownloader
) -> None:
    made = make_downloader(**bucket.settings())
    for url in ("s3://another/a.jpg", "gs://shelf-photos/a.jpg", "az://shelf-photos/a.jpg"):
        error = await failure_of(made.fetch(url))
        assert error.cause is Cause.NO_CREDENTIALS
        assert "RETAILPULSE_FETCH_STORES" in error.detail
        assert error.tries == 0
    assert bucket.origin.requests == []


@pytest.mark.parametrize(
    "key", ["/a.jpg", "a//b.jpg", "a/", "../a.jpg", "a/./b.jpg", "a\nb", "x" * 1_025, ""]
)
async def test_a_key_that_would_name_another_object_is_a_bad_url(
    bucket: Bucket, make_downloader: MakeDownloader, key: str
) -> None:
    error = await failure_of(make_downloader(**bucket.settings()).fetch(f"s3://shelf-photos/{key}"))
    assert error.cause is Cause.BAD_URL


async def test_nothing_of_the_environment_counts(
    bucket: Bucket, make_downloader: MakeDownloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    await make_downloader(**bucket.settings()).fetch(bucket.put("a.jpg"))
    assert "Security-Token" not in bucket.origin.requests[0].path


async def test_a_session_token_is_part_of_what_is_signed(
    bucket: Bucket, make_downloader: MakeDownloader
) -> None:
    await make_downloader(**bucket.settings(session_token="for-an-hour")).fetch(bucket.put("a.jpg"))
    assert "X-Amz-Security-Token=for-an-hour" in bucket.origin.requests[0].path


def test_azure_and_google_are_signed_too() -> None:
    stores = ObjectStores(
        FetchSettings(stores={"az://*": StoreCredential(account="shop", account_key="c2VjcmV0")})
    )
    url = parse_object_url("az://shelf/a b.jpg")
    assert url is not None
    target = stores.target(url)
    assert target.url.startswith("https://shop.blob.core.windows.net/shelf/a%20b.jpg?")
    assert "sig=" in target.url
    assert (target.origin.key, target.origin.host) == ("az://shelf", "shop.blob.core.windows.net")
    assert "sig=" not in repr(target)


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("s3://a", {"access_key_id": SECRET}, "secret_access_key is missing"),
        ("s3://a", PAIR | {"account": SECRET}, "account is not for s3"),
        ("s3:/a", PAIR, "a name is no bucket"),
        ("s3://a", PAIR | {"endpoint": SECRET}, "endpoint is no URL"),
        ("az://a", {"account": "a", "account_key": f"{SECRET} !"}, "nothing can be signed"),
        ("gs://a", {"service_account_key": json.dumps({"private_key": SECRET})}, "nothing can be signed"),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_ends_the_start_without_being_quoted(
    make_downloader: MakeDownloader, name: str, fields: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        make_downloader(stores={name: StoreCredential(**fields)})
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(StoreCredential(**fields))


def test_the_images_of_a_bucket_wait_together_whatever_the_settings_say() -> None:
    assert origin_key("s3://shelf-photos/a/b.jpg") == origin_key("s3://shelf-photos/") == "s3://shelf-photos"
    assert origin_key("s3:///a") is None
    assert origin_key("file://shelf/a") is None
