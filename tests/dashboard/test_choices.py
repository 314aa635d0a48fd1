"""What is chosen by hand: kept in cookies, written into pages by the server, without any script."""

import pytest

from tests.running import RunningService


def choose(service: RunningService, theme: str, to: str = "/jobs?state=failed") -> tuple[str, str]:
    """Where the answer leads, and the cookie that it gives."""
    answer = service.http.post("/choices/theme", data={"chosen": theme, "to": to})
    assert answer.status_code == 303
    service.http.cookies.clear()
    return answer.headers["location"], answer.headers["set-cookie"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_is_written_into_each_page(service: RunningService, theme: str) -> None:
    location, cookie = choose(service, theme)
    assert location == "/jobs?state=failed"
    assert "HttpOnly" in cookie
    held = {"Cookie": cookie.partition(";")[0]}
    for path in ("/", "/sign-in", "/jobs/none"):
        assert f'<html lang="en" data-theme="{theme}">' in service.http.get(path, headers=held).text


@pytest.mark.parametrize("theme", ["", "x", '"><script>', "dark; Path=/x\r\nX-Made: up"])
def test_no_other_word_is_a_theme(service: RunningService, theme: str) -> None:
    _, cookie = choose(service, theme)
    assert cookie.startswith("retailpulse_theme=; ")
    assert "Max-Age=0" in cookie
    for held in ("x", '"><script>', "dark%00", ""):
        page = service.http.get("/", headers={"Cookie": f"retailpulse_theme={held}"}).text
        assert '<html lang="en">' in page


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "\n/", "jobs"])
def test_nobody_is_led_away_by_choosing(service: RunningService, to: str) -> None:
    assert choose(service, "dark", to)[0] == "/"


def test_a_page_of_another_site_cannot_choose(service: RunningService) -> None:
    other = {"Origin": "https://evil.example"}
    assert service.http.post("/choices/theme", data={"chosen": "dark"}, headers=other).status_code == 403


def test_keys_are_switched_off_and_on(service: RunningService) -> None:
    for wanted, held in (
        ("off", "retailpulse_keys=off; "),
        ("", "retailpulse_keys=; "),
        ("x", "retailpulse_keys=; "),
    ):
        answer = service.http.post("/choices/keys", data={"chosen": wanted, "to": "/jobs"})
        service.http.cookies.clear()
        assert answer.headers["set-cookie"].startswith(held)
    off = service.http.get("/", headers={"Cookie": "retailpulse_keys=off"}).text
    assert '<html lang="en" data-keys="off">' in off
    assert "Switch the keys on" in off
    assert service.http.post("/choices/nonsense", data={"chosen": "off"}).status_code == 404
