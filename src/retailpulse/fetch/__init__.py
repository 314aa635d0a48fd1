"""Speaks to servers that cannot be trusted: `Downloader` fetches photos, `Poster` posts callbacks.

The rooms: `urls` and `addresses` say where we go, `transport` and `exchange` speak HTTP through libcurl,
`intake`, `heads` and `ranges` take the bytes, `host_queue`, `host_limiter` and `retries` keep the manners,
`failures` and `names` say what went wrong.
"""

from retailpulse.fetch.dispatch import Place
from retailpulse.fetch.downloader import Downloader, Fetched
from retailpulse.fetch.host_limiter import HostLimiter
from retailpulse.fetch.host_pool import HostPool
from retailpulse.fetch.host_queue import HostListener, HostQueue
from retailpulse.fetch.poster import Posted, Poster
from retailpulse.fetch.posts import Post
from retailpulse.fetch.urls import origin_key

__all__ = [
    "Downloader",
    "Fetched",
    "HostLimiter",
    "HostListener",
    "HostPool",
    "HostQueue",
    "Place",
    "Post",
    "Posted",
    "Poster",
    "origin_key",
]
