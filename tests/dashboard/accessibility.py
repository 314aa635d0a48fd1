"""What axe-core finds wrong with an open page, and which controls are too small for a finger."""

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TOUCH_PIXELS = 44
CONTROLS = (
    "button, .button, summary, select, textarea, input:not([type=hidden], [type=checkbox], [type=radio])"
)
_SMALL = """([controls, least]) => [...document.querySelectorAll(controls)]
  .filter(one => one.checkVisibility({checkVisibilityCSS: true}) && one.getBoundingClientRect().width > 1)
  .map(one => [one.outerHTML.slice(0, 120), one.getBoundingClientRect().height])
  .filter(([, height]) => height < least)"""


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, *, rules: list[str] | None = None) -> list[str]:
    """Each element that breaks a rule of axe-core, a line each; `rules` asks for these alone."""
    asked = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    page.evaluate(f"window.axe || (() => {{ {_axe()} }})()")
    found: dict[str, Any] = page.evaluate(
        "asked => axe.run(document, {runOnly: asked, resultTypes: ['violations']})", asked
    )
    return [
        f"{broken['id']} ({broken['help']}): {node['html'][:160]}"
        for broken in found["violations"]
        for node in broken["nodes"]
    ]


def small_controls(page: Page) -> list[tuple[str, float]]:
    """Controls that are lower than a finger needs, each with its height in pixels."""
    found: list[tuple[str, float]] = page.evaluate(_SMALL, [CONTROLS, TOUCH_PIXELS])
    return found
