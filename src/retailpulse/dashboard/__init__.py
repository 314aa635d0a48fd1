"""The dashboard: pages for people, made on the server, over the same services as the API."""

from retailpulse.dashboard.live import LiveStreams
from retailpulse.dashboard.routes import make_pages

__all__ = ["LiveStreams", "make_pages"]
