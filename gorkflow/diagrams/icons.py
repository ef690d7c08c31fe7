"""One icon for each status, on a square of 16: an outline to stroke and a shape to fill."""

from __future__ import annotations

from gorkflow.diagrams.markup import Markup, element, join

_CIRCLE = "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11"

ICONS: dict[str, tuple[str, str]] = {
    "PENDING": (_CIRCLE, ""),
    "RUNNING": (_CIRCLE, "M8 2.5a5.5 5.5 0 0 1 0 11z"),
    "COMPLETED": ("M3 8.5l3.2 3.2L13 4.8", ""),
    "FAILED": ("M4 4l8 8M12 4l-8 8", ""),
    "SKIPPED": ("M3 4l4 4-4 4M8.5 4l4 4-4 4", ""),
    "RETRYING": ("M13 8a5 5 0 1 1-1.6-3.7M12 1.6v3H9", ""),
    "WAITING": ("M5.5 3.5v9M10.5 3.5v9", ""),
    "CANCELLED": ("", "M4 4h8v8H4z"),
}


def icon_paths(status: str) -> Markup:
    """Return the paths of a status's icon; an unknown status has none."""
    outline, solid = ICONS.get(status, ("", ""))
    return join(
        element("path", d=path, class_=name)
        for path, name in ((outline, "gorkflow-line"), (solid, "gorkflow-solid"))
        if path
    )
