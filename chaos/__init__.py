"""The chaos run, `make chaos`: mixed runs on real servers while everything is killed.

It starts a PostgreSQL, a Redis or RabbitMQ and Celery workers of its own, kills them by a seeded
plan, and proves at the end, from a ledger that the engine does not know, that nothing was lost and
nothing was done twice. docs/chaos.md says more.
"""
