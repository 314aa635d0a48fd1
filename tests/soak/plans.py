"""What a job of the soak asks for, drawn from a seed, and how each of its images must end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from retailpulse.domain.images import Cause

IMAGES_PER_VISIT = 10
COPY_SHARE = 0.02
UNKNOWN_STORE_SHARE = 0.01
PRIORITIES = (0, 0, 0, 0, 20, 100, -50)
KNOWN_STORES = tuple(f"RP0000{number}" for number in range(1, 6))


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of URL: how it ends, how often it is drawn, and which hosts have it, how slowly."""

    cause: Cause | None = None
    weight: int = 2
    hosts: tuple[str, ...] = ("127.0.2.20",)
    seconds: float = 0.0
    template: str = "http://{host}:{port}/{kind}/{job}/{image}"


FAST = tuple(f"127.0.2.{number}" for number in range(1, 9))
KINDS: Mapping[str, Kind] = {
    "jpeg": Kind(weight=120, hosts=FAST),
    "png": Kind(weight=60, hosts=FAST),
    "slow": Kind(weight=12, hosts=("127.0.2.11", "127.0.2.12"), seconds=0.7),
    "slower": Kind(weight=2, hosts=("127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4"), seconds=2.0),
    "slowest": Kind(weight=1, hosts=("127.0.1.5", "127.0.1.6"), seconds=4.0),
    "missing": Kind(cause=Cause.HTTP_STATUS),
    "broken": Kind(cause=Cause.HTTP_STATUS, weight=1, hosts=("127.0.2.21",)),
    "text": Kind(cause=Cause.UNSUPPORTED_FORMAT),
    "cut": Kind(cause=Cause.TRUNCATED, weight=1, hosts=("127.0.2.22",)),
    "corrupt": Kind(cause=Cause.CORRUPT),
    "blocked": Kind(cause=Cause.BLOCKED_ADDRESS, template="http://10.9.8.7:{port}/{kind}/{job}/{image}"),
    "no-url": Kind(cause=Cause.BAD_URL, template="ftp://127.0.2.1/{kind}/{job}/{image}"),
}
HOSTS = tuple(sorted({host for kind in KINDS.values() for host in kind.hosts}))


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image of a job and how it must end: `cause` is None where it is measured."""

    url: str
    cause: Cause | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A job: the body of its submit, and its images in order."""

    body: dict[str, Any]
    images: tuple[Image, ...]


def draw(seed: int, number: int, images: int, port: int) -> Plan:
    """The job of this number; the same seed draws the same."""
    chance = Random(f"{seed}-job-{number}")
    urls = list(_urls(chance, number, images, port))
    visits, planned = [], []
    for at in range(0, images, IMAGES_PER_VISIT):
        some = urls[at : at + IMAGES_PER_VISIT]
        known = chance.random() >= UNKNOWN_STORE_SHARE
        store = chance.choice(KNOWN_STORES) if known else "no-such-store"
        visits.append({"store_id": store, "visit_time": "2026-11-20T10:00:00Z", "image_url": some})
        planned += [Image(url=url, cause=_cause(url) if known else Cause.STORE_ID_NOT_FOUND) for url in some]
    body = {"count": len(visits), "visits": visits, "priority": chance.choice(PRIORITIES)}
    return Plan(body=body, images=tuple(planned))


def kind_of(url: str) -> str:
    """The kind that a URL was drawn as."""
    return url.split("/")[3]


def _cause(url: str) -> Cause | None:
    return KINDS[kind_of(url)].cause


def _urls(chance: Random, number: int, images: int, port: int) -> Iterator[str]:
    """Every URL of a job; some repeat the one before, as careless clients do."""
    names = list(KINDS)
    weights = [kind.weight for kind in KINDS.values()]
    url = ""
    for image in range(images):
        if not url or chance.random() >= COPY_SHARE:
            (name,) = chance.choices(names, weights)
            host = chance.choice(KINDS[name].hosts)
            url = KINDS[name].template.format(host=host, port=port, kind=name, job=number, image=image)
        yield url
