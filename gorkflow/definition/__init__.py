"""Steps, graphs and workflows as their authors write them: pure Python and pydantic.

Nothing here knows an engine, a store, Django or Celery.
"""
