"""Live updates: what changes in a page is sent to its open tabs as Server-Sent Events, from its own address.

Each page that anyone looks at is made once a moment for all its tabs, which hold no connection to the
database. Weak: a page is made as a whole to find what has changed in it.
"""

from retailpulse.dashboard.live.streams import LiveStreams

__all__ = ["LiveStreams"]
