"""The driver, or an error that says how to get it."""

from __future__ import annotations

import gc
import sys
import warnings

from django.core.exceptions import ImproperlyConfigured

try:
    with warnings.catch_warnings():
        # It reads sqlite3.version and forgets to close a database in memory; Python 3.13 warns of
        # both, of the second when it is collected.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        import aiohttp
        from libsql.db.backends.sqlite3.base import DatabaseWrapper as StockWrapper
        from libsql.db.backends.sqlite3.base import SQLiteCursorWrapper as StockCursor
        from libsql_client import LibsqlError
        from libsql_client import dbapi2 as Database  # noqa: N812  Django's name for it
        from libsql_client.config import _expand_config as expand_url
        from libsql_client.dbapi2._utils import iter_sql_tokens
        from libsql_client.dbapi2.types import LEGACY_TRANSACTION_CONTROL
        from libsql_client.dbapi2.types import Connection as StockConnection
        from libsql_client.dbapi2.types import _exc_code_map as classes_by_code
        from libsql_client.hrana.client import _config_to_url as socket_url
        from libsql_client.hrana.conn import HranaConn as StockSocket

        gc.collect()
except ImportError as missing:
    version = ".".join(map(str, sys.version_info[:2]))
    raise ImproperlyConfigured(
        "The database backend gorkflow.db.libsql needs a driver that is not there, or does not"
        f" import on Python {version} ({missing}): pip install 'django-gorkflow[libsql]'"
    ) from missing

__all__ = [
    "LEGACY_TRANSACTION_CONTROL",
    "Database",
    "LibsqlError",
    "StockConnection",
    "StockCursor",
    "StockSocket",
    "StockWrapper",
    "aiohttp",
    "classes_by_code",
    "expand_url",
    "iter_sql_tokens",
    "socket_url",
]
