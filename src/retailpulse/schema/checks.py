"""The numbers behind the flags of a photo: each field said once, as the other facts of an image."""

from functools import partial
from typing import Annotated

from retailpulse.schema.columns import SqlType, Stored
from retailpulse.schema.record import Record, described

_number = partial(described, is_left_out=True)


class Checks(Record, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The numbers behind the flags; one that is not known is left out, at depth `header` every one."""

    sharpness: Annotated[
        float | None,
        Stored(sql_type=SqlType.DOUBLE),
        _number("Of the strongest edges: about 1 is sharp, 0 is none; unknown without edges.", example=0.56),
    ] = None
    brightness: Annotated[
        float | None, Stored(sql_type=SqlType.DOUBLE), _number("The mean, of 255.", example=91.3)
    ] = None
    brightness_p5: Annotated[
        int | None,
        Stored(sql_type=SqlType.SMALLINT),
        _number("5% of the photo are no brighter, of 255.", example=12),
    ] = None
    brightness_p50: Annotated[
        int | None, Stored(sql_type=SqlType.SMALLINT), _number("Half of it is no brighter.", example=84)
    ] = None
    brightness_p95: Annotated[
        int | None, Stored(sql_type=SqlType.SMALLINT), _number("95% of it are no brighter.", example=201)
    ] = None
    brightness_p99: Annotated[
        int | None, Stored(sql_type=SqlType.SMALLINT), _number("99% of it are no brighter.", example=238)
    ] = None
    contrast: Annotated[
        int | None,
        Stored(sql_type=SqlType.SMALLINT),
        _number("Brightness from the darkest 2% to the brightest 2%.", example=214),
    ] = None
    blown: Annotated[
        float | None,
        Stored(sql_type=SqlType.DOUBLE),
        _number("The share that is blown out: a brightness of 250 and more.", example=0.004),
    ] = None
    content: Annotated[
        float | None,
        Stored(sql_type=SqlType.DOUBLE),
        _number("The share of an 8 x 8 grid in which anything is to be seen.", example=0.97),
    ] = None
    hours_from_visit: Annotated[
        float | None,
        Stored(sql_type=SqlType.DOUBLE, is_of_visit=True),
        _number(
            "Hours from the visit to when the photo was taken, negative before it; the least there can be.",
            example=0.52,
        ),
    ] = None
    store_distance_m: Annotated[
        int | None,
        Stored(sql_type=SqlType.INTEGER, is_of_visit=True),
        _number("Meters from the store to where the photo was taken.", example=35),
    ] = None
