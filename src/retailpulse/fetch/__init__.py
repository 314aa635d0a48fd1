"""Speaks to servers that cannot be trusted: `Downloader` fetches photos, `WebhookClient` posts callbacks.

`target/` says which addresses may be asked, `host/` how one host is asked, `http/` speaks HTTP through
libcurl; tries and deadlines of an image are in `retries`, what went wrong is named in `failures`.
"""

from retailpulse.fetch.access.check import check_credentials
from retailpulse.fetch.access.credentials import NO_CREDENTIALS, Credentials, read_credentials
from retailpulse.fetch.access.vault import CannotOpen, CredentialVault
from retailpulse.fetch.dispatch import QueuePlace
from retailpulse.fetch.downloader import Downloader, Fetched
from retailpulse.fetch.host.limiter import HostLimiter
from retailpulse.fetch.host.pool import HostPool
from retailpulse.fetch.host.queue import HostListener, HostQueue
from retailpulse.fetch.http.post_request import PostRequest
from retailpulse.fetch.target.urls import origin_key
from retailpulse.fetch.webhook_client import PostResult, WebhookClient

__all__ = [
    "NO_CREDENTIALS",
    "CannotOpen",
    "CredentialVault",
    "Credentials",
    "Downloader",
    "Fetched",
    "HostLimiter",
    "HostListener",
    "HostPool",
    "HostQueue",
    "PostRequest",
    "PostResult",
    "QueuePlace",
    "WebhookClient",
    "check_credentials",
    "origin_key",
    "read_credentials",
]
