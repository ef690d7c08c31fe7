"""The Django ORM store."""

from gorkflow.stores.orm.store import DjangoStore

__all__ = ["DjangoStore"]
