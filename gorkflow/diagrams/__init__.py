"""Pictures of workflows and runs: records to geometry to SVG, with no Django in it.

`picture_of` lays a graph out, once per definition; `graph_svg` draws it with the statuses of a
run; `neighbourhood` is for graphs that are too large for that. `timeline_of` and `timeline_svg` do
the same for what happened when. Colours are left to the page's style sheet: the SVG has classes,
and every status has an icon and a word too.
"""

from gorkflow.diagrams.bars import Bar, bars_svg, span_svg
from gorkflow.diagrams.graph_svg import Mark, graph_svg
from gorkflow.diagrams.neighbourhood import Neighbourhood, neighbourhood
from gorkflow.diagrams.picture import MAX_STEPS, Picture, picture_of
from gorkflow.diagrams.timeline import Timeline, timeline_of
from gorkflow.diagrams.timeline_svg import timeline_svg

__all__ = [
    "MAX_STEPS",
    "Bar",
    "Mark",
    "Neighbourhood",
    "Picture",
    "Timeline",
    "bars_svg",
    "graph_svg",
    "neighbourhood",
    "picture_of",
    "span_svg",
    "timeline_of",
    "timeline_svg",
]
