"""For workers that shut down softly, by --include."""

from tests.celery_app import app

app.conf.worker_soft_shutdown_timeout = 4.0
