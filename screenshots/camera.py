"""Chromium, and what it takes pictures of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from PIL import Image
from playwright.sync_api import sync_playwright

from screenshots.chromium import ARGUMENTS
from screenshots.scene import Site

FOR_PICTURES = (*ARGUMENTS, "--hide-scrollbars", "--force-color-profile=srgb")
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
COLOURS = 256
LEAST_APART = 5
Colour = tuple[int, int, int]
PUBLISHED = (
    "dashboard-light",
    "dashboard-dark",
    "list-light",
    "list-phone",
    "failed-light",
    "failed-dark",
    "graph-light",
    "graph-dark",
    "timeline-light",
    "start-light",
    "step-light",
)
"""The pictures that docs/admin.md and the README show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture, in each of the views."""

    name: str
    path: str
    only: str = ""
    """Selector of the part to take; empty for the page."""
    before: Callable[[Any], object] = lambda _page: None
    """What is done with the page before."""


def shots(site: Site) -> Sequence[Shot]:
    """Return all pictures; the run that is under way comes first."""
    runs = "/admin/gorkflow/workflowrun/"
    workflows = "/admin/gorkflow/registeredworkflow/"
    return (
        Shot(name="running", path=f"{runs}{site.running}/change/"),
        Shot(name="list", path=runs),
        Shot(name="dashboard", path="/admin/gorkflow/"),
        Shot(name="failed", path=f"{runs}{site.failed}/change/"),
        Shot(name="failed-whole", path=f"{runs}{site.failed}/change/", only="#content"),
        Shot(name="graph", path=f"{runs}{site.report}/change/", only="#gorkflow-graph-section"),
        Shot(
            name="timeline", path=f"{runs}{site.flaky}/change/", only="#gorkflow-timeline-section"
        ),
        Shot(name="step", path=f"{runs}{site.flaky}/change/#step=charge", before=_panel),
        Shot(name="start", path=f"{workflows}fulfil-order/start/", only="#content"),
        Shot(name="workflows", path=workflows),
        Shot(name="workflow", path=f"{workflows}fulfil-order/change/", only="#content"),
        Shot(name="cancel", path=f"{runs}{site.running}/cancel/"),
        Shot(name="retry", path=f"{runs}{site.failed}/retry/"),
        Shot(name="rerun", path=f"{runs}{site.failed}/rerun/", only="#content"),
    )


def _panel(page: Any) -> None:
    page.locator(".gorkflow-panel").wait_for()


class Camera:
    """Takes pictures of a site.

    Args:
        site: whose.
        directory: where they are put, as PNG with few colours.

    """

    def __init__(self, site: Site, directory: Path) -> None:
        self._site = site
        self._directory = directory
        self._taken: dict[str, Path] = {}

    def __enter__(self) -> Self:
        names = ("chromium", "chromium-browser", "google-chrome")
        path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
        if path is None:
            msg = "there is no Chromium: apt-get install chromium"
            raise SystemExit(msg)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=path, args=FOR_PICTURES)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._browser.close()
        self._playwright.stop()

    def take(self, shot: Shot) -> Iterator[Path]:
        """Take a picture in every view."""
        for view, options in VIEWS.items():
            context = self._browser.new_context(base_url=self._site.url, **options)
            context.add_cookies(
                [{"name": "sessionid", "value": self._site.session, "url": self._site.url}]
            )
            page = context.new_page()
            page.goto(shot.path)
            shot.before(page)
            path = self._directory / f"{shot.name}-{view}.png"
            what = page.locator(shot.only).first if shot.only else page
            what.screenshot(path=path, animations="disabled")
            context.close()
            _compress(path)
            self._taken[path.stem] = path
            yield path

    def publish(self, directory: Path) -> None:
        """Copy those of the taken ones that the docs show."""
        directory.mkdir(parents=True, exist_ok=True)
        for name in PUBLISHED:
            if name in self._taken:
                shutil.copy(self._taken[name], directory / f"{name}.png")


def _compress(path: Path) -> None:
    """Keep the colours that are there most, and no two that look the same."""
    with Image.open(path) as picture:
        full = picture.convert("RGB")
    found = sorted(full.getcolors(full.width * full.height), reverse=True)
    kept: list[Colour] = []
    for _count, colour in found:
        if len(kept) < COLOURS and all(_apart(colour, each) >= LEAST_APART for each in kept):
            kept.append(colour)
    place = {each: _nearest(each, kept) for _count, each in found}
    few = Image.frombytes("P", full.size, bytes(place[each] for each in full.getdata()))
    few.putpalette([part for colour in kept for part in colour])
    few.save(path, optimize=True)


def _nearest(colour: Colour, among: Sequence[Colour]) -> int:
    return min(range(len(among)), key=lambda index: _apart(colour, among[index]))


def _apart(one: Colour, other: Colour) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
