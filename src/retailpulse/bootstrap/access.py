"""Access to an API that other machines reach: it needs a key, unless the operator opens it."""

import logging
from typing import TYPE_CHECKING

from retailpulse.config.settings import ApiSettings, Settings
from retailpulse.domain.errors import ConfigError

if TYPE_CHECKING:
    from retailpulse.service import ApiKeys

logger = logging.getLogger(__name__)


async def check_access(url: str, settings: Settings) -> None:
    """Raises ConfigError if other machines would reach an API that everybody may use."""
    from retailpulse.service import ApiKeys
    from retailpulse.storage.postgres.database import Database

    if settings.api.may_be_open():
        return
    async with Database(url, settings.database, pool_size=1) as database:
        await check_keys(ApiKeys(database), settings.api)


async def check_keys(keys: "ApiKeys", settings: ApiSettings) -> None:
    """As `check_access`, for a database that is already open."""
    if settings.is_loopback() or await keys.were_made():
        return
    if settings.allow_anonymous:
        logger.warning("anyone who reaches %s may do everything until an API key is made", settings.host)
    else:
        raise ConfigError(
            f"no API key was made yet, and other machines reach {settings.host}. Make a key with "
            "`retailpulse keys create --name NAME --scope admin` (with the same --data-dir or "
            "RETAILPULSE_DATABASE_URL), or let everybody do everything with --allow-anonymous."
        )
