"""docs/admin.md: its pictures, tables and examples."""

import re

import pytest

import gorkflow
from gorkflow.models import WorkflowRun
from tests.docs.documents import DOCUMENTS, ROOT, code, spans, table
from tests.docs.host import run_python, write_host

ADMIN = (ROOT / "docs" / "admin.md").read_text()
MAX_PICTURE = 100_000

LOOKING = """
import django

django.setup()

from django.contrib.auth.models import Permission, User
from django.test import Client

from gorkflow import RunFilter
from gorkflow.wiring import get_engine
from shop.models import Order
from shop.workflows import PlacedOrder, fulfil

orders = [Order.objects.create() for _ in range(2)]
mine, theirs = (
    fulfil.start(PlacedOrder(order_id=each.pk), resource_id=f"order-{each.pk}", tags={"shop": shop})
    for each, shop in zip(orders, ("north", "south"))
)


def pages(user):
    client = Client()
    client.force_login(user)
    return lambda path: client.get(path).content.decode()


boss = pages(User.objects.create_superuser("boss"))
assert str(mine.id)[:18] in boss(f"/admin/shop/order/{orders[0].pk}/change/")
assert "Which order?" in boss("/admin/gorkflow/registeredworkflow/fulfil-order/start/")
assert {str(mine.id), str(theirs.id)} <= set(boss("/admin/gorkflow/workflowrun/").split('"'))

north = User.objects.create_user("north", is_staff=True)
north.user_permissions.add(Permission.objects.get(codename="view_workflowrun"))
listed = pages(north)("/admin/gorkflow/workflowrun/")
assert str(mine.id) in listed
assert str(theirs.id) not in listed
"""


def test_every_picture_is_there_and_small_and_none_is_left_over():
    shown = set()
    for document in DOCUMENTS:
        for name in re.findall(r"(?:\]\(|src(?:set)?=\")([^)\"]+\.png)", document.read_text()):
            shown.add((document.parent / name).resolve())
    there = set((ROOT / "docs" / "pictures").iterdir())

    assert shown == there
    assert {each.name for each in there if each.stat().st_size > MAX_PICTURE} == set()


def test_the_permissions_are_those_of_the_model():
    known = {codename for codename, _name in WorkflowRun._meta.permissions} | {"view_workflowrun"}

    assert {code(row[0]) for row in table("Who may do what", ADMIN)} == {
        f"gorkflow.{each}" for each in known
    }


def test_the_keys_are_those_of_the_script():
    script = (ROOT / "gorkflow" / "static" / "gorkflow" / "admin.js").read_text()
    block = re.search(r"const KEYS = \{(.*?)\n  \};", script, re.S)[1]
    keys = set(re.findall(r'^    "?([^":\s]+)"?: ', block, re.M))

    told = {span for row in table("What each page answers", ADMIN) for span in spans(row[0])}
    assert told - {"Esc"} == keys - {"Escape"}
    assert ("Esc" in told) == ("Escape" in keys)


@pytest.mark.parametrize(
    "name", ["WorkflowAdminMixin", "WorkflowRunAdminMixin", "WorkflowRunsMixin"]
)
def test_the_mixins_are_public(name):
    from gorkflow import admin

    assert gorkflow.__version__
    assert name in admin.__all__


def test_the_examples_do_what_is_said_of_them(tmp_path):
    write_host(tmp_path)
    run_python(tmp_path, "manage.py", "makemigrations", "shop")
    run_python(tmp_path, "manage.py", "migrate")

    run_python(tmp_path, "-c", LOOKING, env={"DJANGO_SETTINGS_MODULE": "mysite.settings"})
