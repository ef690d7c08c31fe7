"""Tests that start real Celery workers and kill them."""
