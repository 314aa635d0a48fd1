"""Reads JSON that the quick decoders refuse once more, field by field, to say all that is wrong with it.

Only visits of /api/v1 come here: a submit that is good never does. What is no JSON at all stays refused as a
whole, since nothing can be said of what follows.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from retailpulse.api.submit.explain import explain_type
from retailpulse.api.submit.extra_columns import without_results
from retailpulse.api.submit.visit_validator import VisitValidator
from retailpulse.api.suggestions import unknown_name
from retailpulse.domain.jobs import Visit

VISIT_FIELDS = ("store_id", "image_url", "visit_time", "extra")
_MISSING = "it is missing"
_ANY = "2026-11-20"
"""Stands for a field that is refused already, while the others are checked."""
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TYPES: Mapping[str, Any] = {"store_id": str, "visit_time": str, "extra": dict[str, Any] | None}


def read_visit(
    text: bytes | str | msgspec.Raw, number: int, validator: VisitValidator, *, is_row: bool = False
) -> Visit | None:
    """The visit that a JSON value is; None if something is wrong with it, all of which is noted.

    In one that `is_row` the image may be one URL in place of a list, and other fields are its own columns.
    """
    try:
        fields = _OBJECT.decode(text)
    except msgspec.ValidationError as error:
        validator.errors.add(number, None, explain_type(error))
        return None
    before = validator.errors.error_count
    found = _read_known(fields, number, validator, list[str] | str if is_row else list[str])
    others = {name: value for name, value in fields.items() if name not in VISIT_FIELDS}
    if is_row:
        own = {name: msgspec.json.decode(value) for name, value in without_results(others).items()}
        found["extra"] = own | (found.get("extra") or {})
    else:
        for name in others:
            validator.errors.add(number, name[:100], unknown_name(name, VISIT_FIELDS, "field"))
    wrong = validator.errors.error_count > before
    urls = found.get("image_url", _ANY)
    visit = validator.visit(
        number,
        found.get("store_id", _ANY),
        found.get("visit_time", _ANY),
        [urls] if isinstance(urls, str) else urls,
        found.get("extra"),
    )
    return None if wrong else visit


def _read_known(
    fields: Mapping[str, msgspec.Raw], number: int, validator: VisitValidator, images: Any
) -> dict[str, Any]:
    """The fields that are there and have the right type; of all others it is noted what is wrong."""
    found: dict[str, Any] = {}
    for name in VISIT_FIELDS:
        if name not in fields:
            if name != "extra":
                validator.errors.add(number, name, _MISSING)
            continue
        try:
            found[name] = msgspec.json.decode(fields[name], type=_TYPES.get(name, images))
        except msgspec.ValidationError as error:
            validator.errors.add(number, name, explain_type(error))
    return found
