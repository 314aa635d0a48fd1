"""Faults that nobody knows yet, for processes whose PYTHONPATH names this folder; no part of the product.

A photo whose path begins with `/killer` kills the process that fetches it, as a fault of a library would; one
with `/blocker` keeps its event loop for ever, as a reader without a limit would; `/hog` does for HOG_SECONDS.
A request for `/blocker` does that to the API.
"""

import os
import signal
import sys
import time

HOG_SECONDS = 2.6


def _poison() -> None:
    from retailpulse.fetch.downloader import Downloader

    persist = Downloader._persist

    def poisoned(self, url, *arguments):  # type: ignore[no-untyped-def]
        if "/killer" in url:
            os.kill(os.getpid(), signal.SIGKILL)
        while "/blocker" in url:
            pass
        until = time.thread_time() + HOG_SECONDS
        while "/hog" in url and time.thread_time() < until:
            pass
        return persist(self, url, *arguments)

    Downloader._persist = poisoned  # type: ignore[method-assign]


def _poison_api() -> None:
    from retailpulse.web.middleware.head_options import HeadOptionsMiddleware

    call = HeadOptionsMiddleware.__call__

    async def poisoned(self, scope, receive, send):  # type: ignore[no-untyped-def]
        while scope["path"] == "/blocker":
            pass
        await call(self, scope, receive, send)

    HeadOptionsMiddleware.__call__ = poisoned  # type: ignore[method-assign]


if "api" in sys.orig_argv:
    _poison_api()
if "worker" in sys.orig_argv or "retailpulse.worker.quarantine_process" in sys.orig_argv:
    _poison()
