"""The suite's settings with django-unfold in its place, before the admin."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as USUAL
from tests.settings import MIDDLEWARE as USUAL_MIDDLEWARE

INSTALLED_APPS = ["unfold", "unfold.contrib.filters", *USUAL]
ROOT_URLCONF = "tests.admin.unfold.urls"
# Unfold's own pages need inline scripts.
MIDDLEWARE = [each for each in USUAL_MIDDLEWARE if "SecurityPolicy" not in each]
