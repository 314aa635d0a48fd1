"""The parts of live updates: what is live in a page, what is news to a viewer, what a thousand tabs cost."""

import asyncio
import json
from contextlib import ExitStack
from typing import Any

import pytest
from litestar.types import Receive, Scope, Send

from retailpulse.dashboard.live import streams as live_streams
from retailpulse.dashboard.live import updates as live_updates
from retailpulse.dashboard.live.live_page import LivePage
from retailpulse.dashboard.live.page_reader import PageAddress
from retailpulse.dashboard.live.parts import live_parts
from retailpulse.dashboard.live.updates import LiveUpdates
from retailpulse.dashboard.live.viewers import Viewer
from tests.waiting import within

PAGE = PageAddress(path="/", query=b"", scopes=None)


def new_viewer() -> Viewer:
    return Viewer(key_id=None, session=None)


def event_of(page: LivePage, viewer: Viewer) -> dict[str, Any]:
    message = page.message_to(viewer)
    assert message.startswith(b"data: ")
    assert message.endswith(b"\n\n")
    assert message.count(b"\n") == 2
    return dict(json.loads(message[6:]))


def test_what_is_marked_is_live_with_all_that_is_in_it() -> None:
    html = """<title>3 jobs &amp; more</title><section id="none"><p>x</p></section>
    <section class="card" id="one" data-live aria-label="x"><section><p>1</p></section><sectional></sectional>
    </section><p data-live-status>no</p><p id="two" data-live>2</p><div data-live>without an id</div>"""
    assert live_parts(html) == {
        "title": "3 jobs & more",
        "one": "<section><p>1</p></section><sectional></sectional>\n    ",
        "two": "2",
    }
    assert live_parts("<title>nothing</title><p id='x' data-lively>x</p>") == {}
    assert live_parts('<title>cut off</title><p id="x" data-live>x')["x"] == "x"


def test_a_viewer_is_told_what_it_has_not_seen() -> None:
    page = LivePage({"a": "1", "b": "line\nline"})
    early, late = new_viewer(), new_viewer()
    assert event_of(page, early)["parts"] == {"a": "1", "b": "line\nline"}
    assert not page.update({"a": "1", "b": "line\nline"})
    assert page.update({"a": "2", "b": "line\nline"})
    assert event_of(page, early)["parts"] == {"a": "2"}
    assert page.update({"a": "2", "b": "3", "c": "4"})
    assert event_of(page, early)["parts"] == {"b": "3", "c": "4"}
    assert event_of(page, early)["parts"] == {}
    assert event_of(page, late)["parts"] == {"a": "2", "b": "3", "c": "4"}
    assert not page.lose()
    assert not event_of(page, late)["away"]
    assert page.lose()
    assert not page.lose()
    assert event_of(page, late)["away"]
    assert page.update({"a": "2", "b": "3", "c": "4"})
    assert not event_of(page, late)["away"]


class NobodyIsRefused:
    """Lets all viewers go on."""

    async def refused(self, _viewers: list[Viewer]) -> list[Viewer]:
        return []


class CountedPage:
    """An application with one page, which says how often it was made."""

    def __init__(self) -> None:
        self.made = 0

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.made += 1
        text = f'<title>x</title><p id="made" data-live>{self.made}</p>'
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode(), "more_body": False})


async def test_a_page_is_made_once_for_all_its_tabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_updates, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(live_updates, "EVENTS_PER_SECOND", 1e9)
    app: Any = CountedPage()
    check: Any = NobodyIsRefused()
    updates = LiveUpdates(check, asyncio.Event())
    seen: list[list[int]] = []
    before = asyncio.all_tasks()

    async def follow() -> None:
        found = await updates.find(app, PAGE)
        assert isinstance(found, LivePage)
        viewer = new_viewer()
        numbers: list[int] = []
        with updates.watching(app, PAGE, found, viewer) as page:
            while not numbers or numbers[-1] < 20:
                await viewer.wake.wait()
                viewer.wake.clear()
                numbers.append(int(event_of(page, viewer)["parts"]["made"]))
        seen.append(numbers)

    await within(asyncio.gather(*(follow() for _ in range(1_000))))
    assert len(seen) == 1_000
    assert app.made <= 25  # and not a thousand times as often
    assert all(numbers == sorted(set(numbers)) for numbers in seen)
    if left := asyncio.all_tasks() - before:
        await within(asyncio.wait(left))  # nobody looks any more


async def test_a_tab_that_opens_later_is_told_what_is_known() -> None:
    app: Any = CountedPage()
    check: Any = NobodyIsRefused()
    updates = LiveUpdates(check, asyncio.Event())
    found = await updates.find(app, PAGE)
    assert isinstance(found, LivePage)
    with updates.watching(app, PAGE, found, new_viewer()):
        assert all([await updates.find(app, PAGE) is found for _ in range(50)])
    assert app.made == 1
    assert await updates.find(app, PAGE) is not found


async def test_a_tab_waits_for_a_page_that_cannot_be_made_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_updates, "LOOK_SECONDS", 0.01)

    class BusyPage(CountedPage):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if self.made:
                await super().__call__(scope, receive, send)
                return
            self.made += 1
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"busy", "more_body": False})

    app: Any = BusyPage()
    check: Any = NobodyIsRefused()
    updates = LiveUpdates(check, asyncio.Event())
    found = await updates.find(app, PAGE)
    assert isinstance(found, LivePage)
    viewer = new_viewer()
    with updates.watching(app, PAGE, found, viewer) as page:
        assert not viewer.wake.is_set()  # the tab shows a newer page than that
        await within(viewer.wake.wait())
        event = event_of(page, viewer)
    assert (event["away"], event["parts"]["made"]) == (False, "2")


async def test_a_tab_that_opens_as_the_last_one_leaves_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_updates, "LOOK_SECONDS", 0.01)
    app: Any = CountedPage()
    check: Any = NobodyIsRefused()
    updates = LiveUpdates(check, asyncio.Event())
    found = await updates.find(app, PAGE)
    assert isinstance(found, LivePage)
    with updates.watching(app, PAGE, found, new_viewer()):
        await asyncio.sleep(0.05)  # its updates have begun, and end as it leaves
    viewer = new_viewer()
    with updates.watching(app, PAGE, found, viewer) as page:
        while int(event_of(page, viewer)["parts"].get("made", 0)) < 20:
            await within(viewer.wake.wait())
            viewer.wake.clear()
            assert not viewer.is_over


async def rests_of(monkeypatch: pytest.MonkeyPatch, *, seconds: float, tabs: int) -> list[float]:
    """How long each rest is, of a page that takes so many seconds and is open in so many tabs."""
    rests: list[float] = []
    stop = asyncio.Event()

    async def note(rest_seconds: float, _stop: asyncio.Event) -> None:
        if rest_seconds != live_updates.CHECK_SECONDS:
            rests.append(rest_seconds)
        if len(rests) > 2:
            stop.set()
        await asyncio.sleep(0.01)

    class SlowPage(CountedPage):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(seconds)
            await super().__call__(scope, receive, send)

    monkeypatch.setattr(live_updates, "stoppable_sleep", note)
    monkeypatch.setattr(live_updates, "CHECK_SECONDS", 0.01)
    app: Any = SlowPage()
    check: Any = NobodyIsRefused()
    updates = LiveUpdates(check, stop)
    found = await updates.find(app, PAGE)
    assert isinstance(found, LivePage)
    viewers = [new_viewer() for _ in range(tabs)]
    with ExitStack() as stack:
        for viewer in viewers:
            stack.enter_context(updates.watching(app, PAGE, found, viewer))
        while not viewers[0].is_over:
            await within(viewers[0].wake.wait())
            viewers[0].wake.clear()
    assert rests[0] == live_updates.LOOK_SECONDS
    return rests[1:]


async def test_a_round_rests_nine_times_as_long_as_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    assert min(await rests_of(monkeypatch, seconds=0.3, tabs=1)) >= live_updates.REST * 0.3


async def test_the_more_tabs_are_open_the_longer_a_round_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    assert min(await rests_of(monkeypatch, seconds=0, tabs=200)) >= 200 / live_updates.EVENTS_PER_SECOND


async def test_a_tab_for_which_an_event_waits_too_long_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_streams, "SEND_SECONDS", 0.05)
    page = LivePage({"a": "1"})
    viewer = new_viewer()
    viewer.wake.set()

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if b"data:" in message.get("body", b""):
            await asyncio.Event().wait()

    await within(live_streams._stream(page, viewer, receive, send))
