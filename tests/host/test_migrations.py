"""Migrations: there and back again, on whatever database DATABASE_URL names."""

import io

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, migrations
from django.db.migrations.loader import MigrationLoader
from django.db.models import UniqueConstraint

from gorkflow.models import LiveIndex, LiveUnique, StepExecution, WorkflowRun
from tests.shop.workflows import Job, plain


def all_tables():
    """The tables of our models; one that is for an admin page alone has none."""
    models = apps.get_app_config("gorkflow").get_models()
    return {model._meta.db_table for model in models if model._meta.managed}


def our_tables():
    """Which of our models' tables there are."""
    return all_tables() & set(connection.introspection.table_names())


def schema():
    """Columns, and indexes and constraints by name, of each of our tables."""
    found = {}
    with connection.cursor() as cursor:
        for table in our_tables():
            described = connection.introspection.get_table_description(cursor, table)
            constraints = connection.introspection.get_constraints(cursor, table)
            found[table] = (
                {column.name: (column.type_code, column.null_ok) for column in described},
                {
                    # SQLite and MariaDB make up names of their own for some.
                    (tuple(each["columns"]), each["unique"], each["primary_key"], each["check"])
                    for each in constraints.values()
                },
            )
    return found


def migrate(*target):
    call_command("migrate", *target, verbosity=0, stdout=io.StringIO())


@pytest.mark.django_db(transaction=True)
def test_migrations_go_back_to_nothing_and_forward_to_the_same_with_rows_in_the_tables():
    plain.start(Job(), synchronous=True)
    before = schema()
    assert before.keys() == all_tables()
    try:
        migrate("gorkflow", "zero")
        assert our_tables() == set()
    finally:
        migrate()

    assert schema() == before
    assert not WorkflowRun.objects.exists()
    assert plain.start(Job(), synchronous=True).output == "left+right"


@pytest.mark.django_db
def test_no_migration_walks_through_rows():
    """A data step would rewrite, and hold, tables that may have millions of rows."""
    loader = MigrationLoader(connection)
    ours = [each for (app, _), each in loader.disk_migrations.items() if app == "gorkflow"]
    operations = [operation for each in ours for operation in each.operations]

    assert operations
    assert all(operation.reversible for operation in operations)
    walks = (migrations.RunPython, migrations.RunSQL)
    assert not any(isinstance(operation, walks) for operation in operations)


@pytest.mark.parametrize(("model", "expected"), [(StepExecution, 2), (WorkflowRun, 4)])
def test_an_index_of_what_lives_leaves_the_rest_out_where_the_database_can(model, expected):
    made = [*model._meta.indexes, *model._meta.constraints]
    live = [each for each in made if isinstance(each, LiveIndex | LiveUnique)]
    editor = connection.SchemaEditorClass(connection, collect_sql=True)
    texts = [str(each.create_sql(model, editor)) for each in live]

    assert len(texts) == expected
    partial = connection.features.supports_partial_indexes
    assert all(("IS NOT NULL" in text) is partial for text in texts)


def test_a_constraint_that_is_built_otherwise_is_another_one():
    """A migration would have to build it anew."""
    live = LiveUnique(fields=["a", "b"], name="ab", live="b")

    assert live == live.clone()
    assert hash(live) == hash(live.clone())
    assert live != LiveUnique(fields=["a", "b"], name="ab", live="a")
    assert live != UniqueConstraint(fields=["a", "b"], name="ab")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite writes a page for that")
def test_sqlite_keeps_no_account_of_the_keys_of_steps(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'gorkflow_stepexecution'")
        (sql,) = cursor.fetchone()

    assert "AUTOINCREMENT" not in sql
