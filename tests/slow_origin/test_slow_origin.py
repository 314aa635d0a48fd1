"""The slow origin: what it promises to those who measure with it."""

import io
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from tests.running import wait_for
from tests.slow_origin import SlowOrigin


def ask(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=20)


def test_hosts_count_apart_and_serve_a_photo() -> None:
    with SlowOrigin(3) as origin:
        answer = ask(origin.url(0, "one", host=2))
        counts = origin.counts()
        (arrival,) = origin.arrivals(2)
    with Image.open(io.BytesIO(answer.content)) as photo:
        assert photo.size == (64, 48)
    assert [count.answered for count in counts] == [0, 0, 1]
    assert arrival[1] == "/0/one.jpg"


def test_requests_at_once_and_those_that_were_aborted_are_counted() -> None:
    with SlowOrigin() as origin:
        lines = [_sent(origin, "/60000/slow.jpg") for _ in range(3)]
        wait_for(lambda: origin.count().in_flight == 3)
        for line in lines:
            line.close()
        wait_for(lambda: origin.count().in_flight == 0)
        count = origin.count()
        assert (count.aborted, count.max_in_flight, count.max_connections) == (3, 3, 3)
        origin.reset()
        assert (origin.count().aborted, origin.count().max_in_flight) == (0, 0)


def test_latency_is_any_between_two() -> None:
    with SlowOrigin() as origin:
        assert ask(origin.url("1-30", "some")).status_code == 200


def test_a_host_of_few_connections_resets_the_rest() -> None:
    with SlowOrigin(1, {0: "connections:2"}) as origin:
        lines = [_sent(origin, "/60000/slow.jpg") for _ in range(2)]
        wait_for(lambda: origin.count().in_flight == 2)
        with pytest.raises(httpx.TransportError):
            ask(origin.url(0, "third"))
        assert origin.count().refused == 1
        for line in lines:
            line.close()
        wait_for(lambda: origin.count().connections == 0)
        assert ask(origin.url(0, "fourth")).status_code == 200


def test_a_host_of_one_thread_stays_with_a_connection_until_it_is_closed() -> None:
    with (
        SlowOrigin(1, {0: "threads:1"}) as origin,
        ThreadPoolExecutor() as pool,
        httpx.Client(trust_env=False) as first,
    ):
        assert first.get(origin.url(0, "first")).status_code == 200
        second = pool.submit(ask, origin.url(0, "second"))
        wait_for(lambda: origin.count().connections == 2)
        assert first.get(origin.url(0, "third")).status_code == 200
        assert [path for _, path in origin.arrivals()] == ["/0/first.jpg", "/0/third.jpg"]
        first.close()
        assert second.result().status_code == 200


def test_a_rate_limited_host_answers_429_to_the_rest() -> None:
    with SlowOrigin(1, {0: "rate:2"}) as origin:
        told = [ask(origin.url(0, f"{n}")).status_code for n in range(6)]
        count = origin.count()
    assert told[:2] == [200, 200]
    assert (told.count(200), told.count(429)) == (count.answered, count.refused)
    assert 429 in told


def test_a_host_of_few_requests_answers_429_beside_them() -> None:
    with SlowOrigin(1, {0: "requests:1"}) as origin:
        line = _sent(origin, "/60000/slow.jpg")
        wait_for(lambda: origin.count().in_flight == 1)
        assert ask(origin.url(0, "second")).status_code == 429
        line.close()
        wait_for(lambda: origin.count().in_flight == 0)
        assert ask(origin.url(0, "third")).status_code == 200


def test_a_proxy_is_told_whole_urls() -> None:
    with SlowOrigin() as origin, httpx.Client(proxy=origin.proxy, trust_env=False) as http:
        assert http.get("http://photos.example/0/1.jpg").status_code == 200
        assert [path for _, path in origin.arrivals()] == ["/0/1.jpg"]


def _sent(origin: SlowOrigin, path: str) -> socket.socket:
    line = socket.create_connection(("127.0.1.1", origin.port))
    line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return line
