"""What the OpenAPI document allows is sent to every operation: no answer is a 5xx, and each has a
status, a media type and a body that the document knows.
"""

import json
import os
from base64 import b64encode

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS

from gorkflow import register, registry
from tests.admin.flows import Order, order_workflow

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "10"))
SKIPPED = {
    # A cursor, a field's name, an input: that they are text is all that the document can say.
    "positive_data_acceptance",
    # It sends our own credentials along; tests of their own are about those without.
    "ignored_auth",
}
AUTHORIZATION = {"Authorization": f"Basic {b64encode(b'fuzzer:pw').decode()}"}


def document():
    made = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(OpenApiJsonRenderer().render(made))


OPERATIONS = [
    (path, method) for path, operations in document()["paths"].items() for method in operations
]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run():
    workflow = register(order_workflow())
    User.objects.create_superuser("fuzzer", password="pw")
    workflow.start(Order(number=2, note="declined"), synchronous=True)
    workflow.start(Order(number=3))
    yield workflow.start(Order(number=1, note="flaky"), synchronous=True)
    registry.unregister(workflow.id)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_one_that_the_document_promises(run, path, method):
    schema = schemathesis.openapi.from_dict(document())
    schema.app = get_wsgi_application()
    there = {"run_id": str(run.id), "workflow_id": "orders", "step_id": "charge"}
    skipped = [check for check in CHECKS.get_all() if check.__name__ in SKIPPED]

    @given(case=schema[path][method.upper()].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def call(case):
        for name in set(case.path_parameters) & set(there):
            # Others are not found, which other tests are about.
            case.path_parameters[name] = there[name]
        # What it leaves out is missing, and the document has no word for that.
        case.query.pop("fields", None)
        case.call_and_validate(headers=AUTHORIZATION, excluded_checks=skipped)

    call()


@pytest.mark.parametrize("login", [None, "nobody"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_operation_answers_one_who_may_not(run, path, method, login):
    client = Client()
    if login is not None:
        client.force_login(User.objects.create_user(login))
    url = path.format(run_id=run.id, workflow_id="orders", step_id="charge")

    answer = client.generic(method.upper(), url, "{}", content_type="application/json")

    assert answer.status_code in {401, 403}
    assert answer["Content-Type"] == "application/problem+json"
    assert str(run.id) not in answer.json()["detail"]
