"""What a scene acts on: the name server, the web servers, the witness, and downloaders with the defaults."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ImageError
from retailpulse.fetch import Downloader
from tests.fetch.namespace.nameserver import Nameserver
from tests.fetch.namespace.packets import Packets
from tests.fetch.namespace.web import PICTURE, Web

FETCHED = "fetched"


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchOutcome:
    """How one fetch ended, as the downloader tells it."""

    outcome: str
    tries: int
    detail: str = ""


class Stage:
    """The world while one scene is played."""

    def __init__(self, names: Nameserver, web: Web) -> None:
        self.names = names
        self.web = web
        self.packets = Packets()
        self.downloader = self.new_downloader()

    def new_downloader(self, **settings: Any) -> Downloader:
        """A downloader with the default settings, but for the pauses between tries."""
        return Downloader(FetchSettings(**{"backoff_seconds": 0.001, **settings}))

    async def fetch(self, url: str, downloader: Downloader | None = None) -> FetchOutcome:
        """Fetch, and tell how it ended."""
        try:
            fetched = await (downloader or self.downloader).fetch(url)
        except ImageError as error:
            return FetchOutcome(outcome=str(error.cause), tries=error.tries, detail=error.detail)
        assert fetched.body == PICTURE
        return FetchOutcome(outcome=FETCHED, tries=fetched.tries)

    def report(self, told: dict[str, Any]) -> str:
        """What the scene saw, and everybody who was sent a packet meanwhile."""
        seen = {
            "reached": dict(self.web.connections),
            "received_bytes": dict(self.web.received_bytes),
            "packets": self.packets.ends(),
            "packets_lost": self.packets.lost(),
            "told": told,
        }
        return json.dumps(seen, default=asdict)
