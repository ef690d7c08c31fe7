"""Found by autodiscovery."""

from pydantic import BaseModel

from gorkflow import WorkflowBuilder, register, step


class Dough(BaseModel):
    grams: int


class Loaf(BaseModel):
    grams: int
    crusty: bool


@step
def knead(dough: Dough) -> Dough:
    return dough


@step
def bake(dough: Dough) -> Loaf:
    return Loaf(grams=dough.grams * 9 // 10, crusty=True)


@step
def price(dough: Dough) -> int:
    return dough.grams // 2


@step
def label(parts: tuple[Loaf, int]) -> str:
    loaf, cents = parts
    return f"{loaf.grams} g, {cents} cents"


bake_bread = register(
    WorkflowBuilder("bake-bread").then(knead).parallel(bake, price).then(label).build()
)
