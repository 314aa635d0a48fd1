"""What of the settings only the rooms that use them can check: credentials, analyzers, the sandbox.

Weak: whether a host takes its credentials shows at the first photo alone.
"""

from retailpulse.analyze import select
from retailpulse.config.settings import Settings
from retailpulse.fetch import check_credentials
from retailpulse.measure import check_sandbox


def check_settings(settings: Settings) -> None:
    """Raise ConfigError for settings that no worker on this machine can use."""
    check_sandbox(settings.measure.sandbox)
    check_credentials(settings.fetch)
    select(settings.measure.analyzers)
