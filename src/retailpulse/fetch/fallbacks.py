"""Simpler ways to ask a host, for one that the usual way breaks at. They add up, as bits of one number.

None of them takes less care: certificates are verified as ever, and no older TLS is taken.
"""

HTTP_1_1 = 1
"""Not HTTP/2, which some servers and boxes before them only say they speak."""
CLASSICAL_KEYS = 2
"""Elliptic curves alone. Post-quantum key shares make the first message of TLS larger than a packet, which
some boxes drop."""
