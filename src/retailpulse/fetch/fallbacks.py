"""How else a host is asked that the usual way breaks at. The ways add up, as bits of one number.

None of them takes less care: certificates are verified as ever, and no older TLS is taken.
"""

HTTP_1_1 = 1
"""Not HTTP/2, which some servers and boxes before them only say they speak."""
CLASSICAL_KEYS = 2
"""Elliptic curves alone. Post-quantum key shares make the first message of TLS larger than a packet, which
some boxes drop."""
KEEP_CERTIFICATES = 4
"""libcurl keeps the certificates that the host sends, to tell what they lack; that costs time."""
