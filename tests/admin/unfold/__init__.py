"""The admin with django-unfold: a project of its own, as skins replace templates for good."""
