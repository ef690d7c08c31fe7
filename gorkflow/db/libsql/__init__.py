"""A Django backend for libSQL servers (sqld): ENGINE = "gorkflow.db.libsql".

To Django it is SQLite: SQL, types and schema changes are those of Django's own SQLite backend. The
driver is django-libsql's, with the connection, the cursor and the transactions replaced: what it
has of its own loses data. docs/libsql.md says what the server cannot do.
"""
