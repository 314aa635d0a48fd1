"""What a screen reader finds its way by: landmarks, the link past the frame, one heading, a title."""

import re

import pytest

from tests.dashboard.conftest import Reused
from tests.dashboard.test_pages import Elements, page
from tests.running import RunningService

PAGES = (
    "/",
    "/jobs",
    "{job}",
    "{job}/stores",
    "{job}/about",
    "{job}/photos/1",
    "/review",
    "/stores",
    "/areas",
    "/store?id={store}",
    "/sign-in",
    "/system",
    "/system/workers",
    "/system/hosts",
    "/system/callbacks",
    "/system/check",
    "/system/keys",
    "/system/settings",
)


def shown(service: RunningService, reused: Reused, path: str) -> str:
    return page(service, path.format(job=f"/jobs/{reused.job_id}", store=reused.first_store))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_walked_without_being_seen(service: RunningService, reused: Reused, path: str) -> None:
    text = shown(service, reused, path)
    found = Elements(text).found
    tags = [tag for tag, _ in found]
    assert tags.count("main") == tags.count("h1") == 1
    (language,) = [attributes["lang"] for tag, attributes in found if tag == "html"]
    assert language == "en"
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes for tag, attributes in found if tag == "a"]
    assert links[0]["href"] == "#main"  # past the frame, before all else
    assert "main" in ids
    assert all(attributes.get("aria-label") for tag, attributes in found if tag == "nav")
    names = [attributes["aria-label"] for tag, attributes in found if tag == "nav"]
    assert len(names) == len(set(names))
    within_labels = set(re.findall(r'<label\b(?:(?!</label>).)*? name="(\w+)"', text, re.DOTALL))
    labelled = {attributes["for"] for tag, attributes in found if tag == "label" and "for" in attributes}
    for tag, attributes in found:
        if tag in {"input", "select", "textarea", "progress"} and attributes.get("type") not in {
            "hidden",
            "checkbox",
            "radio",
        }:
            assert attributes.get("id") in labelled or attributes.get("name") in within_labels, attributes
        if tag == "th":
            assert attributes.get("scope") in {"col", "row"}
        if tag == "img":
            assert "alt" in attributes


def test_titles_tell_pages_apart(service: RunningService, reused: Reused) -> None:
    titles = [
        re.findall(r"<title>(.+?)</title>", shown(service, reused, path), re.DOTALL)
        for path in PAGES
        if "stores" not in path.partition("}")[2] and "about" not in path
    ]
    assert all(len(found) == 1 and found[0].endswith(" · Retail Pulse") for found in titles)
    assert len({found[0] for found in titles}) == len(titles)
