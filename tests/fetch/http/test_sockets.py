"""What libcurl wants of its sockets, on real ones; numbers that are closed come back as others' here too."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pycurl
import pytest

from retailpulse.fetch.http.sockets import Sockets

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    sockets = Sockets(trusting=True)
    yield sockets
    sockets.close()


def test_what_is_wanted_of_a_socket_is_told_when_it_is_there(sockets: Sockets, pair: Pair) -> None:
    ours, theirs = pair
    sockets.want(pycurl.POLL_IN, ours.fileno())
    assert list(sockets.ready()) == []
    theirs.send(b"x")
    assert list(sockets.ready()) == [(ours.fileno(), pycurl.CSELECT_IN)]
    sockets.want(pycurl.POLL_OUT, ours.fileno())
    assert list(sockets.ready()) == [(ours.fileno(), pycurl.CSELECT_OUT)]
    sockets.want(pycurl.POLL_INOUT, ours.fileno())
    assert list(sockets.ready()) == [(ours.fileno(), pycurl.CSELECT_IN | pycurl.CSELECT_OUT)]


def test_the_end_of_a_connection_can_be_read(sockets: Sockets, pair: Pair) -> None:
    ours, theirs = pair
    sockets.want(pycurl.POLL_IN, ours.fileno())
    theirs.close()
    ((_, events),) = sockets.ready()
    assert events & pycurl.CSELECT_IN


def test_a_socket_that_was_let_go_of_is_told_again_only_when_it_is_wanted(pair: Pair) -> None:
    ours, theirs = pair
    sockets = Sockets(trusting=True, busy=lambda: {ours.fileno()})
    sockets.want(pycurl.POLL_IN, ours.fileno())
    sockets.want(pycurl.POLL_REMOVE, ours.fileno())
    theirs.send(b"x")
    assert list(sockets.ready()) == []
    sockets.want(pycurl.POLL_IN, ours.fileno())
    assert list(sockets.ready()) == [(ours.fileno(), pycurl.CSELECT_IN)]
    sockets.close()


@pytest.mark.parametrize("look", [Sockets.close_orphans, lambda sockets: list(sockets.ready())])
def test_an_idle_socket_on_which_bytes_come_is_shut(
    sockets: Sockets, pair: Pair, look: Callable[[Sockets], object]
) -> None:
    ours, theirs = pair
    sockets.want(pycurl.POLL_IN, ours.fileno())
    theirs.send(b"x")
    look(sockets)
    sockets.want(pycurl.POLL_REMOVE, ours.fileno())
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        theirs.recv(1)
    look(sockets)
    assert theirs.recv(1) == b""


def test_a_number_that_is_another_socket_now_is_not_shut_for_what_came_on_the_first(
    sockets: Sockets, pair: Pair
) -> None:
    ours, theirs = pair
    copy = ours.dup()
    sockets.want(pycurl.POLL_IN, copy.fileno())
    sockets.want(pycurl.POLL_REMOVE, copy.fileno())
    theirs.send(b"x")
    other, its_peer = socket.socketpair()
    with other, its_peer:
        os.dup2(other.fileno(), copy.fileno())
        its_peer.send(b"y")
        sockets.close_orphans()
        its_peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            its_peer.recv(1)
    copy.close()


@pytest.mark.parametrize("trusting", [True, False], ids=["told of the new one", "trusting nothing"])
def test_a_number_that_comes_back_as_another_socket_is_watched_anew(pair: Pair, trusting: bool) -> None:
    sockets = Sockets(trusting=trusting)
    ours, _ = pair
    new, peer = socket.socketpair()
    with new, peer:
        number = os.dup(ours.fileno())
        sockets.want(pycurl.POLL_IN, number)
        sockets.want(pycurl.POLL_REMOVE, number)
        os.dup2(new.fileno(), number)  # closes what it was
        if trusting:
            sockets.opened()
        sockets.want(pycurl.POLL_IN, number)
        peer.send(b"x")
        assert list(sockets.ready()) == [(number, pycurl.CSELECT_IN)]
        os.close(number)
    sockets.close()


def test_what_is_left_of_a_closed_socket_is_not_told(sockets: Sockets, pair: Pair) -> None:
    ours, theirs = pair
    number = os.dup(ours.fileno())  # its registration lives on in the kernel while the copy does
    sockets.want(pycurl.POLL_IN, number)
    sockets.want(pycurl.POLL_REMOVE, number)
    os.close(number)
    theirs.send(b"x")
    assert list(sockets.ready()) == list(sockets.ready()) == []


def test_shutting_idle_sockets_keeps_no_copy_of_a_number_that_is_another_file_now(
    sockets: Sockets, pair: Pair
) -> None:
    ours, _ = pair
    reading, writing = os.pipe()
    number = os.dup(ours.fileno())
    sockets.want(pycurl.POLL_IN, number)
    sockets.want(pycurl.POLL_REMOVE, number)
    os.dup2(reading, number)
    before = sorted(Path("/proc/self/fd").iterdir())
    sockets.shut_idle({("127.0.0.1", 80)})
    assert sorted(Path("/proc/self/fd").iterdir()) == before
    for descriptor in (reading, writing, number):
        os.close(descriptor)


def test_a_second_number_of_a_socket_in_use_does_not_get_it_shut(sockets: Sockets) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as ours,
        listener.accept()[0] as theirs,
    ):
        second = os.dup(ours.fileno())
        sockets.want(pycurl.POLL_IN, second)
        sockets.want(pycurl.POLL_REMOVE, second)
        sockets.want(pycurl.POLL_IN, ours.fileno())
        sockets.shut_idle({listener.getsockname()})
        theirs.send(b"x")
        assert ours.recv(1) == b"x"
        sockets.want(pycurl.POLL_REMOVE, ours.fileno())
        sockets.shut_idle({listener.getsockname()})
        assert ours.recv(1) == b""
        os.close(second)


def test_an_idle_socket_is_shut_though_something_was_told_of_it(sockets: Sockets) -> None:
    """An answer can come so fast that the last thing wanted of a socket is to write: it always may."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as ours,
        listener.accept()[0] as theirs,
    ):
        sockets.want(pycurl.POLL_OUT, ours.fileno())
        sockets.want(pycurl.POLL_REMOVE, ours.fileno())
        assert list(sockets.ready()) == []
        sockets.shut_idle({listener.getsockname()})
        theirs.settimeout(5)
        assert theirs.recv(1) == b""
