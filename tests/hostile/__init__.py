"""The hostile origin: a real server on loopback that plays the tricks of broken and malicious photo hosts."""

from tests.hostile.origin import NETWORK, HostileOrigin
from tests.hostile.stage import Rate, Seen
from tests.hostile.trick import MEASURED, Trick

__all__ = ["MEASURED", "NETWORK", "HostileOrigin", "Rate", "Seen", "Trick"]
