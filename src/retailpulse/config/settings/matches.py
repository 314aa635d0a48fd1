"""How photos that were handed in before are looked for."""

from typing import Annotated

import msgspec
from msgspec import Meta

from retailpulse.domain.errors import ConfigError
from retailpulse.domain.matches import Relation


class MatchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How photos that were handed in before are looked for."""

    window_days: Annotated[
        float,
        Meta(
            ge=0,
            le=36_500,
            description="Days for which a photo is compared with later ones, from the submit of its job; "
            "0: none is.",
        ),
    ] = 180.0
    same_area: Annotated[
        bool, Meta(description="Whether photos are compared only with those of stores in the same area.")
    ] = False
    flagged: Annotated[
        str,
        Meta(
            description="Which earlier photos raise the flags copy and same_scene, with commas between them: "
            "those of the same_visit, of the same_store, of an other_store; empty: none."
        ),
    ] = "same_store,other_store"

    def relations(self) -> frozenset[Relation]:
        """What raises flags; raises ConfigError for a name that is none."""
        names = [name.strip() for name in self.flagged.split(",") if name.strip()]
        try:
            return frozenset(map(Relation, names))
        except ValueError as error:
            raise ConfigError(
                f"RETAILPULSE_MATCHES_FLAGGED is {self.flagged!r}; "
                f"write some of {', '.join(Relation)} with commas between them"
            ) from error
