"""Photo hosts on loopback that take their time, for tests and the bench, and count what they are asked."""

from tests.slow_origin.manners import HostCount
from tests.slow_origin.process import NETWORK, SlowOrigin

__all__ = ["NETWORK", "HostCount", "SlowOrigin"]
