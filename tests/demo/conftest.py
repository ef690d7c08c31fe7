import pytest


@pytest.fixture
def demo_site(settings):
    """The demo's own pages, in place of the test suite's."""
    from demo_project import settings as demo

    settings.INSTALLED_APPS = [
        *settings.INSTALLED_APPS,
        *(app for app in demo.INSTALLED_APPS if app not in settings.INSTALLED_APPS),
    ]
    settings.ROOT_URLCONF = demo.ROOT_URLCONF
    settings.MIDDLEWARE = demo.MIDDLEWARE
    settings.WHITENOISE_USE_FINDERS = True
