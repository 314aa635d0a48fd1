"""The settings of each room with their defaults, limits and meaning.

The environment name of a setting is RETAILPULSE_, its room, and its field: RETAILPULSE_FETCH_PER_HOST.
The same names stand in the TOML file as tables: [fetch] per_host = 16. Reading them is `loading`'s.
"""

import msgspec

from retailpulse.config.settings.api import ApiSettings
from retailpulse.config.settings.callbacks import CallbackSettings
from retailpulse.config.settings.fetch import FetchSettings, Network
from retailpulse.config.settings.matches import MatchSettings
from retailpulse.config.settings.measure import MeasureSettings, ReviewPictures, Sandbox
from retailpulse.config.settings.processes import (
    DatabaseSettings,
    LogSettings,
    RetentionSettings,
    ScalingSettings,
    WorkerSettings,
)

__all__ = [
    "ApiSettings",
    "CallbackSettings",
    "DatabaseSettings",
    "FetchSettings",
    "LogSettings",
    "MatchSettings",
    "MeasureSettings",
    "Network",
    "RetentionSettings",
    "ReviewPictures",
    "Sandbox",
    "ScalingSettings",
    "Settings",
    "WorkerSettings",
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings; `bootstrap` hands each room only its own."""

    database: DatabaseSettings = DatabaseSettings()
    api: ApiSettings = ApiSettings()
    fetch: FetchSettings = FetchSettings()
    measure: MeasureSettings = MeasureSettings()
    matches: MatchSettings = MatchSettings()
    worker: WorkerSettings = WorkerSettings()
    scaling: ScalingSettings = ScalingSettings()
    callbacks: CallbackSettings = CallbackSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()
