"""Which errors of a real database mean "not now", each provoked on the suite's own one."""

import pytest
from django.db import DatabaseError, connection

from gorkflow.stores.orm import DjangoStore
from gorkflow.stores.orm.transactions import retrying
from tests.outages.provoking import LASTING, TRANSIENT, Other
from tests.shop.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other():
    found = Other()
    yield found
    found.close()
    connection.close()  # with the limits that were set on it


def name_of(provoke):
    closure = provoke.__closure__ or ()
    return "-".join([provoke.__name__, *(str(cell.cell_contents) for cell in closure)])


@pytest.mark.parametrize("provoke", TRANSIENT[connection.vendor], ids=name_of)
def test_what_may_pass_is_tried_again_on_a_connection_that_works(provoke, other, capsys):
    def act(again):
        if not again:
            provoke(other)
        other.close()
        return Entry.objects.create(name="stored")

    retrying(act, "default")

    assert Entry.objects.filter(name="stored").count() == 1
    assert capsys.readouterr().out.count("persistence_error") == 1


@pytest.mark.parametrize("provoke", LASTING[connection.vendor], ids=name_of)
def test_what_would_fail_again_is_not_tried_again(provoke, other):
    tries = []

    def act(again):
        tries.append(again)
        provoke(other)

    with pytest.raises(DatabaseError) as caught:
        retrying(act, "default")

    assert tries == [False]
    assert not DjangoStore().is_transient(caught.value)
