"""Turns the URL of an object in a cloud's store into a signed https URL, which is fetched like any other.

Signing is arithmetic: nothing is asked. Credentials come from the settings alone, and a client's URL cannot
say where a bucket is. Weak: instance roles are not used, as their tokens come from an internal address.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ConfigError, ImageError
from retailpulse.domain.images import Cause
from retailpulse.domain.object_stores import ObjectUrl, StoreCredential, check_store
from retailpulse.fetch.target.urls import SecretHeaders, Target, parse_target

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, S3Store

    Store = S3Store | GCSStore | AzureStore

SIGNED_FOR = timedelta(hours=1)
"""A URL is signed for each try; its request may wait for a slot of the host."""
MOST_KEY_BYTES = 1_024
_MOST_STORES = 1_000
_VARIABLE = "RETAILPULSE_FETCH_STORES"
_ENVIRONMENT = ("AWS_", "AZURE_", "GOOGLE_", "OBJECT_STORE_")


class ObjectStores:
    """The stores of the settings; raises ConfigError for one that cannot be used."""

    def __init__(self, settings: FetchSettings) -> None:
        self._credentials: dict[tuple[str, str], StoreCredential] = {}
        self._stores: dict[str, Store] = {}
        for name, credential in settings.stores.items():
            try:
                scheme, bucket = check_store(name, credential)
            except ValueError as error:
                raise ConfigError(f"{_VARIABLE}: {error}") from None
            if credential.endpoint.startswith("http:") and settings.proxy:
                raise ConfigError(
                    f"{_VARIABLE}: {name}: plain http through a proxy would show it signed URLs"
                )
            self._credentials[scheme, bucket] = credential
            self._check(name, ObjectUrl(scheme, bucket.replace("*", "any"), "a"), credential)

    def target(self, url: ObjectUrl) -> Target:
        """The signed URL of an object; raises ImageError without credentials, and for a key that is none."""
        store = self._stores.get(url.origin) or self._open(url)
        target = parse_target(_signed(store, url))
        # Its limits are those of the bucket, whatever its address is.
        origin = msgspec.structs.replace(target.origin, key=url.origin)
        return Target(target.url, origin, SecretHeaders(url_is_secret=True))

    def _open(self, url: ObjectUrl) -> "Store":
        ways = (url.scheme, url.bucket), (url.scheme, "*")
        credential = next((self._credentials[way] for way in ways if way in self._credentials), None)
        if credential is None:
            raise ImageError(
                Cause.NO_CREDENTIALS,
                f"the settings have no credentials for {url.origin} ({_VARIABLE})",
                tries=0,
            )
        if len(self._stores) >= _MOST_STORES:  # `*` is for any bucket that a client names
            self._stores.clear()
        store = self._stores[url.origin] = _make(url, credential)
        return store

    def _check(self, name: str, url: ObjectUrl, credential: StoreCredential) -> None:
        """Sign once at the start; what a library says of a key that is none may quote it."""
        try:
            _signed(_make(url, credential), url)
        except ImportError:
            raise ConfigError(
                f"{_VARIABLE}: this needs the extra cloud: pip install 'retailpulse[cloud]'"
            ) from None
        except Exception:
            raise ConfigError(f"{_VARIABLE}: {name}: nothing can be signed with these credentials") from None


def _make(url: ObjectUrl, credential: StoreCredential) -> "Store":
    from obstore.store import AzureStore, GCSStore, S3Store

    with _clean_environment():
        if url.scheme == "s3":
            return S3Store(
                url.bucket,
                access_key_id=credential.access_key_id,
                secret_access_key=credential.secret_access_key,
                region=credential.region or "us-east-1",
                **_given(token=credential.session_token, endpoint=credential.endpoint),
            )
        if url.scheme == "gs":
            return GCSStore(url.bucket, service_account_key=credential.service_account_key)
        return AzureStore(
            url.bucket,
            account_name=credential.account,
            account_key=credential.account_key,
            **_given(endpoint=credential.endpoint),
        )


def _given(**texts: str) -> dict[str, Any]:
    return {name: text for name, text in texts.items() if text}


def _signed(store: "Store", url: ObjectUrl) -> str:
    from obstore import sign

    segments = url.key.split("/")
    if "" in segments or "." in segments or ".." in segments or not url.key.isprintable():
        raise ImageError(Cause.BAD_URL, "a key with an empty segment or a dot as one is not fetched", tries=0)
    if len(url.key.encode(errors="replace")) > MOST_KEY_BYTES:
        raise ImageError(Cause.BAD_URL, f"the key has more than {MOST_KEY_BYTES} bytes", tries=0)
    return sign(store, "GET", url.key, SIGNED_FOR)


@contextmanager
def _clean_environment() -> Iterator[None]:
    """Hides what the library would read from the environment: only the settings count."""
    names = [name for name in os.environ if name.upper().startswith(_ENVIRONMENT)]
    hidden = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(hidden)
