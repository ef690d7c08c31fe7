"""What columns do to texts and JSON: nothing, on every database."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.models import Count, F

from gorkflow.engine.starting import new_run_id
from gorkflow.models import DefinitionSnapshot, RunState, StepExecution, WorkflowRun
from gorkflow.models.fields import JsonText, PayloadText
from gorkflow.stores.orm import DjangoStore
from gorkflow.testing.contracts.kit import new_run
from tests.properties.texts import ODD_TEXTS, lookalikes

pytestmark = pytest.mark.django_db

STORE = DjangoStore()

EXACT = [
    '{"b":1,"a":2}',
    "1e308",
    "[1e16,1.0,-0.0,5e-324]",
    "1" + "0" * 400,
    '{"a":{"b":[null,true,"\\u00e9 \\ud83d\\ude00"]},"":[]}',
    '"a  b"',
    "[" * 150 + "]" * 150,
]


def run_with(payload="null", **changes):
    return STORE.create_run(new_run(input=payload, **changes))[0]


@pytest.mark.parametrize("text", EXACT, ids=lambda text: text[:20])
def test_a_payload_is_read_back_to_the_letter(text):
    run = run_with(text, context=text)

    loaded = STORE.load(run.id, run_input=True, context=True)

    assert (loaded.input, loaded.context) == (text, text)


@pytest.mark.parametrize("text", EXACT, ids=lambda text: text[:20])
def test_a_payload_read_through_the_orm_is_what_the_text_says(text):
    run = run_with(text)

    read = WorkflowRun.objects.get(pk=run.id).input

    assert json.dumps(read) == json.dumps(json.loads(text))
    assert json.dumps(WorkflowRun.objects.values_list("input", flat=True).get()) == json.dumps(read)


def test_payloads_are_searched_as_any_json_field_is():
    run_with('{"order_id":42,"lines":[{"sku":"A-1"},{"sku":"B-2"}],"note":"Gift","paid":null}')
    run_with('{"order_id":7,"lines":[],"note":"none"}')
    run_with("[1,2]")
    runs = WorkflowRun.objects

    found = [
        runs.filter(input__order_id=42),
        runs.filter(input__order_id__gt=10),
        runs.filter(input__order_id__in=[42, 43]),
        runs.filter(input__lines__1__sku="B-2"),
        runs.filter(input__note__icontains="gif"),
        runs.filter(input__note__startswith="Gi"),
        runs.filter(input__has_key="paid"),
        runs.filter(input__paid=None),
        runs.filter(input__0=1),
        runs.filter(input__order_id__isnull=True),
        runs.exclude(input__order_id=42).filter(input__has_any_keys=["note"]),
    ]
    if connection.features.supports_json_field_contains:
        found.append(runs.filter(input__contains={"order_id": 42}))
        found.append(runs.filter(input__contained_by=[1, 2, 3]))

    assert [rows.count() for rows in found] == [1] * len(found)


def test_a_whole_payload_is_searched_by_its_value():
    run_with('{"order_id":42}')
    run_with("7")

    assert WorkflowRun.objects.filter(input=7).count() == 1
    assert WorkflowRun.objects.filter(input=JsonText('{"order_id":42}')).count() == 1


def test_a_member_of_a_payload_is_selected_sorted_and_grouped():
    for order in (2, 9, 2):
        run_with(json.dumps({"order": order}))
    runs = WorkflowRun.objects.order_by("input__order")

    assert list(runs.values_list("input__order", flat=True)) == [2, 2, 9]
    counted = runs.values("input__order").annotate(n=Count("id"))
    assert [row["n"] for row in counted] == [2, 1]


def test_a_payload_of_a_related_row_is_searched_and_selected():
    run = run_with('{"b":1e308,"a":2}')
    steps = StepExecution.objects.filter(run__input__a=2)

    assert steps.values_list(PayloadText("run__input"), flat=True).first() == '{"b":1e308,"a":2}'
    assert steps.first().run.pk == run.id


def test_a_payload_may_be_assigned_as_a_value_and_copied():
    run = run_with('{"b":1,"a":2}')
    RunState.objects.create(run_id=run.id, name="n", value={"x": [1.5, None]})
    runs = WorkflowRun.objects.filter(pk=run.id)

    runs.update(output=F("input"))

    assert RunState.objects.get().value == {"x": [1.5, None]}
    assert runs.get().output == {"a": 2, "b": 1}
    assert runs.filter(output__isnull=False, context__isnull=True).exists()


def test_ids_that_look_alike_are_different():
    for text in lookalikes():
        RunState.objects.create(run=_some_run(), name=text, value=1)

    for text in lookalikes():
        assert RunState.objects.get(name=text).name == text


def _some_run():
    return WorkflowRun.objects.first() or WorkflowRun.objects.get(pk=run_with().id)


def test_a_foreign_key_follows_the_exact_column():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for fingerprint in ("ab", "AB", "ab "):
        DefinitionSnapshot.objects.create(
            fingerprint=fingerprint,
            workflow_id=fingerprint,
            workflow_version="1",
            graph=[],
            created_at=moment,
        )
        run_with(fingerprint=fingerprint, id=new_run_id())

    joined = WorkflowRun.objects.filter(definition__workflow_id="AB")

    assert [run.definition_id for run in joined] == ["AB"]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
def test_a_tag_of_any_characters_is_found_by_name_and_value(text):
    name, value = text[:200], text[:200]
    run = run_with(tags={name: value, "other": "x"})
    run_with(tags={"other": value, name + "x": value})
    run_with(tags={name: value + "x"})

    assert [each.pk for each in WorkflowRun.objects.tagged({name: value})] == [run.id]
    assert WorkflowRun.objects.tagged({name: value, "other": "y"}).count() == 0
    assert WorkflowRun.objects.get(pk=run.id).tags[name] == value


@pytest.mark.skipif(connection.vendor != "mysql", reason="a matter of MariaDB and MySQL")
def test_no_column_depends_on_the_character_set_of_the_database():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT character_set_name FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND table_name LIKE 'gorkflow%%'"
            " AND collation_name LIKE '%%\\_ci'"
        )
        assert cursor.fetchall() == ()
