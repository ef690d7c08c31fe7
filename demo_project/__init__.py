"""A small product on Gorkflow: weather reports and order fulfilment.

The Celery app is imported here so that `delay()` finds it in every process of the project.
"""

from demo_project.celery import app as celery_app

__all__ = ("celery_app",)
