"""Properties of every picture of a graph: whatever its shape and its names."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gorkflow.definition.graph import ExecutionGraph, Join, Node
from gorkflow.diagrams import Mark, graph_svg, neighbourhood, picture_of
from gorkflow.diagrams.layering import crossings, layer
from gorkflow.diagrams.neighbourhood import MAX_BOXES
from gorkflow.diagrams.picture import BOX_HEIGHT, BOX_WIDTH, MAX_STEPS, MAX_WHOLE, draw
from gorkflow.diagrams.placing import arrange

SVG = "{http://www.w3.org/2000/svg}"


def graph_of(parents):
    nodes = []
    for index, before in enumerate(parents):
        join = (Join.RUN, Join.SINGLE, Join.TUPLE)[min(len(before), 2)]
        names = tuple(f"s{each}" for each in before)
        nodes.append(Node(id=f"s{index}", name=f"Step {index}", parents=names, join=join))
    return ExecutionGraph(nodes)


@st.composite
def graphs(draw, most=25):
    size = draw(st.integers(1, most))
    return graph_of(
        [
            draw(st.lists(st.integers(0, index - 1), max_size=4, unique=True)) if index else []
            for index in range(size)
        ]
    )


def fan(width, length=1):
    branches = [
        ([0] if step == 0 else [1 + branch * length + step - 1])
        for branch in range(width)
        for step in range(length)
    ]
    ends = [1 + branch * length + length - 1 for branch in range(width)]
    return graph_of([[], *branches, ends])


def along(picture, point):
    return point[1 if picture.downwards else 0]


def overlap(one, other):
    return abs(one.x - other.x) < BOX_WIDTH and abs(one.y - other.y) < BOX_HEIGHT


@given(graphs())
@settings(max_examples=120, deadline=None)
def test_no_two_boxes_overlap_and_all_are_within_the_picture(graph):
    picture = draw(graph)

    boxes = list(picture.boxes.values())
    for index, box in enumerate(boxes):
        assert 0 <= box.x <= picture.width - BOX_WIDTH
        assert 0 <= box.y <= picture.height - BOX_HEIGHT
        assert not any(overlap(box, other) for other in boxes[index + 1 :])


@given(graphs())
@settings(max_examples=120, deadline=None)
def test_every_edge_goes_forward_and_none_is_missing(graph):
    picture = draw(graph)

    drawn = {(wire.source, wire.target) for wire in picture.wires}
    assert drawn == {(parent, node.id) for node in graph for parent in node.parents}
    for wire in picture.wires:
        steps = [along(picture, point) for point in wire.points]
        assert steps == sorted(steps)
        assert steps[0] < steps[-1]


@given(graphs())
@settings(max_examples=80, deadline=None)
def test_no_edge_runs_under_a_box(graph):
    picture = draw(graph)

    for wire in picture.wires:
        # The straight parts beside boxes; the curves between the layers touch none.
        for (x1, y1), (x2, y2) in zip(wire.points[1:-1:2], wire.points[2:-1:2], strict=True):
            for box in picture.boxes.values():
                across = (
                    (y1, box.y, BOX_HEIGHT) if not picture.downwards else (x1, box.x, BOX_WIDTH)
                )
                ahead = (x1, x2, box.x, BOX_WIDTH)
                if picture.downwards:
                    ahead = (y1, y2, box.y, BOX_HEIGHT)
                beside = ahead[1] <= ahead[2] or ahead[0] >= ahead[2] + ahead[3]
                assert beside or not across[1] < across[0] < across[1] + across[2]


@given(graphs(), st.text())
@settings(max_examples=60, deadline=None)
def test_whatever_is_written_on_it_a_picture_is_well_formed(graph, text):
    mark = Mark(name=text, status="RUNNING", note=text, title=text, href=f"#{text}", key=text)

    svg = graph_svg(draw(graph), lambda _box: mark, label=text)

    root = ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
    assert len(root.findall(f"{SVG}a")) == len(graph)
    assert {each.tag for each in root.iter()} <= {
        f"{SVG}{name}"
        for name in ("svg", "g", "a", "defs", "marker", "path", "rect", "title", "text")
    }
    assert " style=" not in svg


def test_hostile_text_is_written_as_text():
    hostile = '"><script>alert(1)</script>'
    mark = Mark(name=hostile, status="FAILED", note=hostile, title=hostile, href=hostile)

    svg = graph_svg(draw(graph_of([[]])), lambda _box: mark, label=hostile)

    assert "<script" not in svg
    assert "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in svg


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_sweeping_never_adds_crossings(graph):
    parents = {node.id: list(node.parents) for node in graph}

    found = layer(parents)

    assert crossings(found) <= len(found.above) ** 2
    assert sorted(map(str, (node for nodes in found.layers for node in nodes))) == sorted(
        map(str, found.above)
    )


def test_a_tangle_that_can_be_undone_is_undone():
    crossed = layer({"a": [], "b": [], "x": ["b"], "y": ["a"]})

    assert crossings(crossed) == 0


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0.25, 4.0)), min_size=1, max_size=30))
def test_an_arrangement_keeps_the_order_and_the_distances(pairs):
    wishes, sizes = [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    found = arrange(wishes, sizes)

    for index in range(1, len(found)):
        least = (sizes[index - 1] + sizes[index]) / 2
        assert found[index] - found[index - 1] >= least - 1e-6


def test_a_chain_is_a_straight_line():
    picture = draw(graph_of([[] if index == 0 else [index - 1] for index in range(12)]))

    assert len({box.x if picture.downwards else box.y for box in picture.boxes.values()}) == 1


def test_a_short_workflow_goes_from_left_to_right_and_a_long_one_from_top_to_bottom():
    assert not draw(graph_of([[], [0], [1]])).downwards
    assert draw(graph_of([[] if index == 0 else [index - 1] for index in range(12)])).downwards


def test_up_to_300_steps_are_drawn_one_by_one():
    assert len(draw(fan(MAX_WHOLE - 2)).boxes) == MAX_WHOLE


@pytest.mark.parametrize("length", [1, 2])
def test_beyond_them_parallel_branches_are_drawn_together(length):
    picture = draw(fan(600, length))

    assert [len(box.members) for box in picture.boxes.values()] == [1, *[600] * length, 1]
    members = [each for box in picture.boxes.values() for each in box.members]
    assert sorted(members) == sorted(f"s{index}" for index in range(600 * length + 2))


def test_a_large_graph_whose_steps_all_differ_is_drawn_whole():
    ladder = [[], [], *([index - 2, index - 1] for index in range(2, 400))]

    assert len(draw(graph_of(ladder)).boxes) == 400


def test_beyond_2000_steps_there_is_no_picture():
    assert picture_of(fan(MAX_STEPS - 1)) is None


def test_but_one_of_what_is_around_a_step():
    found = neighbourhood(fan(3000), "s7")

    sizes = {key: len(box.members) for key, box in found.picture.boxes.items()}
    assert sizes == {"s0": 1, "s1": 2999, "s7": 1, "s3001": 1}
    assert found.left_out == 0
    assert {(wire.source, wire.target) for wire in found.picture.wires} == {
        ("s0", "s1"), ("s0", "s7"), ("s1", "s3001"), ("s7", "s3001"),
    }  # fmt: skip


@given(graphs(), st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_around_a_step_has_its_parents_and_children(graph, data):
    middle = graph[data.draw(st.sampled_from(graph.order))]

    picture = neighbourhood(graph, middle.id).picture

    shown = {each for box in picture.boxes.values() for each in box.members}
    assert {middle.id, *middle.parents, *graph.children(middle.id)} <= shown
    assert picture.boxes[middle.id].members == (middle.id,)


def test_what_is_around_a_step_is_never_too_much():
    chain_of_children = [[], [0], *([0, index] for index in range(1, 200))]

    found = neighbourhood(graph_of(chain_of_children), "s0")

    assert len(found.picture.boxes) <= MAX_BOXES
    assert "s0" in found.picture.boxes
    assert found.left_out == 201 - MAX_BOXES


def test_a_definition_is_laid_out_once():
    assert picture_of(fan(20)) is picture_of(fan(20))
