"""Small workflows for the tests of the admin and the API."""

from pydantic import BaseModel, Field

from gorkflow import NonRetryableError, StepContext, WorkflowBuilder, step


class Order(BaseModel):
    number: int = Field(gt=0)
    note: str = ""


@step
def check(ctx: StepContext, order: Order) -> Order:
    ctx.state["seen"] = order.number
    return order


@step(max_retries=1, retry_delay=0.0, jitter=0.0)
def charge(ctx: StepContext, order: Order) -> str:
    if order.note == "flaky" and ctx.attempt == 1:
        raise ConnectionError("the bank is asleep")
    if order.note == "declined":
        raise NonRetryableError("<script>alert('declined')</script>")
    return f"receipt-{order.number}"


@step
def ship(receipt: str) -> dict[str, str]:
    return {"sent": receipt}


def order_workflow(workflow_id="orders", version="1"):
    return (
        WorkflowBuilder(workflow_id, name="Orders", version=version, description="Sells things.")
        .then(check)
        .then(charge)
        .then(ship)
        .build()
    )
