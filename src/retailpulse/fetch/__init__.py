"""Speaks to servers that cannot be trusted: `Downloader` fetches photos, `Poster` posts callbacks.

The rooms: `urls` and `addresses` say where we go, `transport` and `exchange` speak HTTP through libcurl,
`intake`, `heads` and `ranges` take the bytes, `hosts` and `retries` keep the manners, `failures` and `names`
say what went wrong.
"""

from retailpulse.fetch.downloader import Downloader, Fetched
from retailpulse.fetch.poster import Posted, Poster
from retailpulse.fetch.posts import Post

__all__ = ["Downloader", "Fetched", "Post", "Posted", "Poster"]
