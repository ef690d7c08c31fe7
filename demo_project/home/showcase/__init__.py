"""What `python manage.py demo` is made of: processes, runs to show, a screen to show them on."""
