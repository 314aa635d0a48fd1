"""The bare loops that a limit is taken with: fetch with libcurl, or decode, and nothing else, for a while.

Its own process (`python -m bench.bare_loop fetch|decode ...`): says "ready", waits for a line, runs, and
prints how many images it did in how many seconds.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path


def fetch_loop(url: str, byte_range: str, connections: int, seconds: float) -> tuple[int, float]:
    """Fetches one URL again and again over some connections; bodies go to /dev/null, by C code alone."""
    import pycurl

    multi = pycurl.CurlMulti()
    handles = [_new_handle(url, byte_range) for _ in range(connections)]
    began = time.perf_counter()
    for handle in handles:
        multi.add_handle(handle)
    done = 0
    while (elapsed := time.perf_counter() - began) < seconds:
        multi.perform()
        _, finished, failed = multi.info_read(connections)
        if failed:
            raise SystemExit(f"the fetch loop failed: {failed[0][2]}")
        for handle in finished:
            multi.remove_handle(handle)
            multi.add_handle(handle)
        done += len(finished)
        if not finished:
            multi.select(0.1)
    return done, elapsed


def _new_handle(url: str, byte_range: str) -> "object":
    import pycurl

    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.PROXY, "")
    handle.setopt(pycurl.FAILONERROR, 1)
    handle.setopt(pycurl.BUFFERSIZE, 65_536)
    if byte_range:
        handle.setopt(pycurl.RANGE, byte_range)
    return handle


def decode_loop(path: Path, seconds: float) -> tuple[int, float]:
    """Decodes one JPEG again and again as the service does: grey, 1/8 of the size, strict."""
    import simplejpeg

    body = path.read_bytes()
    began = time.perf_counter()
    done = 0
    while (elapsed := time.perf_counter() - began) < seconds:
        simplejpeg.decode_jpeg(body, "GRAY", min_height=1, min_width=1, strict=True)
        done += 1
    return done, elapsed


def main(arguments: list[str]) -> None:
    """Run one loop when told to, and report on the real standard output."""
    report = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libcurl's own write goes here
    run = _loop(arguments)
    print("ready", file=report, flush=True)
    sys.stdin.readline()
    done, elapsed = run()
    print(done, elapsed, file=report, flush=True)


def _loop(arguments: list[str]) -> Callable[[], tuple[int, float]]:
    match arguments:
        case ["fetch", url, byte_range, connections, seconds]:
            return lambda: fetch_loop(url, byte_range, int(connections), float(seconds))
        case ["decode", path, seconds]:
            return lambda: decode_loop(Path(path), float(seconds))
    raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
