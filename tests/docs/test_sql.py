"""The SQL of the documents does what they say of it."""

import pytest
from django.db import connection

from gorkflow.models import WorkflowRun
from tests.docs.documents import blocks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made_index():
    (block,) = blocks("sql")
    with connection.cursor() as cursor:
        cursor.execute(block.text)
        yield
        cursor.execute("DROP INDEX my_run_tags")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="it is PostgreSQL's")
@pytest.mark.usefixtures("made_index")
def test_an_index_of_the_hosts_own_serves_the_search_for_tags():
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        plan = WorkflowRun.objects.tagged({"tenant": "acme"}).order_by().explain()
        cursor.execute("RESET enable_seqscan")

    assert "my_run_tags" in plan
