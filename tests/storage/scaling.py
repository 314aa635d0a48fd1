"""The goal by which the service asks for workers if nothing is set."""

from retailpulse.config.settings import Settings
from retailpulse.service.limits import Limits

SCALING = Limits.of(Settings()).scaling
