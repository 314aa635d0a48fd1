"""The columns of visits and of stores, with the names that people give to them in their own tables."""

from retailpulse.tables.column_names import ColumnSpec

_OUTLETS = ("store", "outlet", "shop", "branch")
_STORE_IDS = (
    *(f"{outlet} {what}" for outlet in _OUTLETS for what in ("id", "code", "no", "number", "key", "ref")),
    *_OUTLETS,
    "location id",
    "location code",
    "site id",
    "site code",
)
_PICTURES = ("photo", "image", "picture", "pic", "img")
_IMAGE_URLS = (
    *(f"{picture}{end}" for picture in _PICTURES for end in ("", "s")),
    *(
        f"{picture}{end} {what}"
        for picture in _PICTURES
        for end in ("", "s")
        for what in ("url", "urls", "link", "links", "uri", "address")
    ),
    "url",
    "urls",
    "link",
    "links",
)
_VISIT_TIMES = (
    *(
        f"{visit}{what}"
        for visit in ("", "visit ", "visited ")
        for what in ("date", "time", "datetime", "timestamp")
    ),
    *(
        "date time",
        "date of visit",
        "time of visit",
        "visit date time",
        "visited at",
        "visited on",
        "visited",
    ),
    *("visit timestamp", "taken at", "captured at"),
)


def _degrees_names(*words: str) -> tuple[str, ...]:
    """What people call a coordinate."""
    before = ("", "gps ", "geo ", *(f"{outlet} " for outlet in _OUTLETS), "location ", "site ")
    return tuple(f"{place}{word}" for place in before for word in words)


VISIT_COLUMNS = (
    ColumnSpec(name="store_id", aliases=_STORE_IDS),
    ColumnSpec(name="image_url", aliases=_IMAGE_URLS, may_be_numbered=True),
    ColumnSpec(name="visit_time", aliases=_VISIT_TIMES),
)
STORE_COLUMNS = (
    ColumnSpec(
        name="AreaCode",
        aliases=(
            *(
                f"{area}{what}"
                for area in ("area", "region", "territory", "district")
                for what in ("", " code", " id")
            ),
            *("area no", "area number"),
        ),
    ),
    ColumnSpec(
        name="StoreName",
        aliases=("name", *(f"{outlet} name" for outlet in _OUTLETS), *_OUTLETS, "location name", "site name"),
    ),
    ColumnSpec(name="StoreID", aliases=_STORE_IDS),
    ColumnSpec(name="Latitude", aliases=_degrees_names("latitude", "lat"), is_required=False),
    ColumnSpec(
        name="Longitude", aliases=_degrees_names("longitude", "lng", "long", "lon"), is_required=False
    ),
)
