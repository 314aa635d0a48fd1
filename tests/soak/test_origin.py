"""The origin of the soak may leave while connections come in, and loses none of them."""

import gc
import socket
from contextlib import ExitStack, suppress

from tests.soak.origin import SoakOrigin
from tests.soak.plans import HOSTS


def test_connections_of_the_last_moment_are_closed() -> None:
    """One that is not would be a warning, which pytest takes for an error."""
    with ExitStack() as clients:
        with SoakOrigin() as origin:
            for _ in range(60):
                client = clients.enter_context(socket.socket())
                client.setblocking(False)
                with suppress(BlockingIOError):
                    client.connect((HOSTS[0], origin.port))
        assert not origin.lines
        del origin
        gc.collect()
