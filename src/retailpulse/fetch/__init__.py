"""Fetches photos from servers that cannot be trusted; `Downloader` is the only door.

The rooms: `urls` and `addresses` say where we go, `transport` and `exchange` speak HTTP through libcurl,
`intake`, `heads` and `ranges` take the bytes, `hosts` and `retries` keep the manners, `failures` and `names`
say what went wrong.
"""

from retailpulse.fetch.downloader import Downloader, Fetched

__all__ = ["Downloader", "Fetched"]
