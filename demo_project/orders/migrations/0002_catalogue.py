"""The shop's few products."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

CATALOGUE = (
    ("kettle", "Kettle", 3990, 100_000),
    ("teapot", "Teapot", 5450, 100_000),
    ("tea", "Green tea, 250 g", 1275, 100_000),
)


def fill(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    products = apps.get_model("orders", "Product").objects.using(schema_editor.connection.alias)
    for sku, name, price_cents, stock in CATALOGUE:
        products.get_or_create(
            sku=sku, defaults={"name": name, "price_cents": price_cents, "stock": stock}
        )


class Migration(migrations.Migration):
    dependencies = (("orders", "0001_initial"),)
    operations = (migrations.RunPython(fill, migrations.RunPython.noop),)
