"""What the server can do: as SQLite, but with nothing taught to it by the client."""

from __future__ import annotations

from django.db.backends.sqlite3.features import DatabaseFeatures as SQLiteFeatures


class DatabaseFeatures(SQLiteFeatures):
    """Where Django's class asks the SQLite library of this process, the server's counts."""

    minimum_database_version = (3, 44)
    max_query_params = 32766
    test_db_allows_multiple_connections = True
    can_clone_databases = False
    can_alter_table_drop_column = True
    can_return_columns_from_insert = True
    can_return_rows_from_bulk_insert = True
    supports_aggregate_order_by_clause = True
    supports_json_field = True
    can_introspect_json_field = True
    has_json_object_function = True
    # Functions that Django adds to SQLite itself.
    supports_any_value = False
    supports_uuid4_function = False
    supports_uuid7_function = False
    supports_uuid4_function_in_default = False
