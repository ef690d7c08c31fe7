"""A ready login for the admin, in debug mode only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.contrib.auth.models import User

USERNAME = "admin"


def ready_login(password_file: Path) -> tuple[str, str | None]:
    """Return the name and password of a superuser, making it if there is none of that name.

    The password is random and kept in a file that only its owner may read, so that the next demo
    can print it again. It is None where somebody has made or changed the user by other means.
    """
    user = User.objects.filter(username=USERNAME).first()
    if user is None:
        password = secrets.token_urlsafe(9)
        User.objects.create_superuser(USERNAME, password=password)
        _write_private(password_file, password)
        return USERNAME, password
    kept = password_file.read_text().strip() if password_file.is_file() else ""
    return USERNAME, kept if kept and user.check_password(kept) else None


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{text}\n")
