"""A payload is stored and read back equal, or refused with what is wrong and where."""

import enum
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.dataclasses import dataclass

from gorkflow import RunStatus, StepContext, WorkflowBuilder, step
from gorkflow.engine.heartbeat import Heartbeat
from gorkflow.errors import DefinitionError, ErrorCode, PayloadError
from gorkflow.records import storable_text
from tests.properties.texts import ODD_TEXTS
from tests.properties.values import any_texts, json_values, nested, same


@step
def keep(ctx: StepContext, value):
    ctx.state["kept"] = value
    return value


@step
def compare(ctx: StepContext, value):
    return [ctx.state["kept"], ctx.input, ctx.context, value]


@step
def same_again(value):
    return value


KEEPING = WorkflowBuilder("keeping").sequence(keep, compare)


@given(value=json_values)
def test_every_json_value_comes_back_to_the_letter_from_wherever_it_is_kept(lab, value):
    run = lab.run(KEEPING, value, context=value)

    assert run.status is RunStatus.COMPLETED, run.error
    # A context of None is none at all.
    assert same(run.output, [value] * 4)


@given(text=any_texts, place=st.sampled_from(["input", "key", "context", "tag", "tag name"]))
def test_every_text_is_kept_or_refused_before_anything_is_stored(lab, text, place):
    value = {"input": text, "key": {text: 1}}.get(place)
    options = {"context": text} if place == "context" else {}
    if place.startswith("tag"):
        options["tags"] = {text: "x"} if place == "tag name" else {"x": text}
    before = len(lab.engine.list_runs().runs)
    storable = "\x00" not in text and not any("\ud800" <= each <= "\udfff" for each in text)
    if place == "tag name" and not text:
        storable = False

    try:
        run = lab.start(KEEPING, value, **options)
    except PayloadError as error:
        assert not storable
        assert len(lab.engine.list_runs().runs) == before
        str(error).encode()
    else:
        assert storable
        assert run.record.tags == options.get("tags", {})
        run.cancel(text)
        assert run.refresh().error.message == (text or "cancelled")
        lab.engine.prune(older_than=0)


BAD_VALUES = {
    "NaN": (float("nan"), "NaN and infinities"),
    "infinity": ({"a": [1, float("inf")]}, "at a.1: NaN and infinities"),
    "NUL": ({"a": ["x", "\x00"]}, "a NUL character in a text at a.1"),
    "NUL in a key": ({"a": {"\x00": 1}}, "a NUL character in a text at a"),
    "a surrogate": ({"a": "\ud800"}, "at a: .*surrogates not allowed"),
    "1 000 levels": (nested(1_000), "nested deeper than 100 levels"),
    "100 000 levels": (nested(100_000), "nested deeper than 100 levels"),
    "101 levels": (nested(101), "nested deeper than 100 levels"),
    "10 MB": ("x" * 10_000_000, r"too large: 10,000,002 bytes of JSON, the limit is 4,194,304"),
    "10 MB in parts": (["x"] * 3_000_000, "too large"),
    "5 000 digits": ([10**5000], "over 4300 digits"),
    "equal keys": ({"a": {1: 1, "1": 2}}, "two keys that are both '1'"),
    "equal keys of other types": ({None: 1, "None": 2}, "two keys that are both 'None'"),
    "bytes that are no text": ({"a": b"\xff"}, "at a: "),
    "an object": ({"a": [{"b": object()}]}, "at a.0.b: Unable to serialize"),
    "a class": (int, "Unable to serialize"),
    "a secret": ({"a": SecretStr("x")}, "secret"),
}


@pytest.mark.parametrize("name", BAD_VALUES)
@pytest.mark.parametrize("place", ["input", "context"])
def test_a_start_refuses_what_cannot_be_stored(lab, name, place):
    value, says = BAD_VALUES[name]

    given_there = {"value": value} if place == "input" else {"context": value}

    with pytest.raises(PayloadError, match=f"(?s){place} of workflow 'keeping' .*{says}") as caught:
        lab.start(KEEPING, **given_there)

    assert caught.value.code is ErrorCode.VALIDATION_ERROR
    assert lab.engine.list_runs().runs == ()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", BAD_VALUES)
@pytest.mark.parametrize("place", ["output", "state"])
def test_a_step_fails_at_once_with_what_cannot_be_stored(lab, name, place):
    value, says = BAD_VALUES[name]

    @step
    def spoil(ctx: StepContext):
        if place == "output":
            return value
        ctx.state["x"] = value
        return None

    run = lab.run(WorkflowBuilder("spoiling").then(spoil))

    assert (run.status, run.error.code) == (RunStatus.FAILED, ErrorCode.VALIDATION_ERROR)
    assert run.error.attempt == 1
    assert lab.engine.store.load(run.id, state=True).state == {}
    what = "output of step 'spoil'" if place == "output" else "state 'x'"
    assert re.search(f"{what} .*{says}", run.error.message, re.DOTALL)


@pytest.mark.parametrize("name", BAD_VALUES)
def test_a_default_that_cannot_be_stored_is_refused_when_the_workflow_is_built(name):
    value, says = BAD_VALUES[name]
    if name.startswith("10 MB"):
        pytest.skip("a definition has no limit")
    builder = WorkflowBuilder("w").then_if(same_again, when=lambda _value: False, default=value)

    with pytest.raises(DefinitionError, match=f"(?s)default of step 'same_again' .*{says}"):
        builder.build()


class Colour(enum.Enum):
    RED = "red"


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str = ""


@dataclass
class Point:
    x: float
    y: Decimal


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    item_no: int = Field(alias="item.no \"'__")
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


TYPED = [
    (Decimal, Decimal("0.10")),
    (datetime, datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)),
    (date, date(2026, 1, 1)),
    (timedelta, timedelta(days=-1, microseconds=1)),
    (UUID, UUID(int=2**127)),
    (bytes, "gr\u00fc\u00df".encode()),
    (set[int], {3, 1, 2}),
    (frozenset[str], frozenset({"a", "\U0001f600"})),
    (Colour, Colour.RED),
    (dict[int, str], {1: "a", -2: "b"}),
    (dict[date, list[Colour]], {date(2026, 1, 1): [Colour.RED]}),
    (tuple[int, float, str], (1, 1.0, "1")),
    (int | float, 1.0),
    (float, 1e308),
    (float, -0.0),
    (int, 10**400),
    (Point, Point(x=1e16, y=Decimal("1E+400"))),
    (Cat | Dog, Dog(name="\u202e")),
    (Aliased, Aliased(item_no=1, pet=Cat(lives=1))),
    (str, ""),
    (str, "x" * 10_000),
    (dict[str, Any], {"a.b": 1, 'a"b': 2, "a__b": 3, "$": 4, "": 5, "'": 6}),
]


@pytest.mark.parametrize(("kind", "value"), TYPED, ids=lambda value: repr(value)[:30])
def test_a_typed_value_comes_back_as_what_it_was(lab, kind, value):
    def take(value):
        assert type(value) is type(expected)
        return value

    expected = value
    take.__annotations__.update({"value": kind, "return": kind})
    first, second = step(take, id="first"), step(take, id="second")

    run = lab.run(WorkflowBuilder("typed").sequence(first, second), value)

    assert run.status is RunStatus.COMPLETED, run.error
    assert run.output == value
    assert type(run.output) is type(value)


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
def test_notes_reasons_and_messages_of_any_text_are_kept(lab, text):
    @step(max_retries=0)
    def tell(ctx: StepContext):
        ctx.progress(0.5, text)
        raise ValueError(text)

    run = lab.run(WorkflowBuilder("telling").then(tell))

    assert run.error.message == text
    assert run.error.type == "ValueError"


@pytest.fixture
def quiet_lab(lab):
    """Return a lab whose heartbeat's thread does nothing while the test lasts."""
    heart = lab.engine.heartbeat = Heartbeat(lab.engine.store, lease=180, interval=60)
    heart.nudge = lambda: None
    return lab


@given(note=any_texts, fraction=st.floats())
def test_progress_of_any_sort_is_stored_by_the_heartbeat(quiet_lab, note, fraction):
    lab, seen = quiet_lab, []

    @step
    def report(ctx: StepContext):
        ctx.progress(fraction, note)
        lab.engine.heartbeat.beat_once()
        seen.append(lab.engine.store.get_steps(ctx.run_id)[0])

    run = lab.run(WorkflowBuilder("reporting").then(report))

    assert run.status is RunStatus.COMPLETED
    assert 0.0 <= seen[0].progress <= 1.0
    assert seen[0].progress_note == storable_text(note)
    lab.engine.prune(older_than=0)
