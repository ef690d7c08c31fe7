"""Statements of the plain fast path, as each kind of database has them said."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gorkflow.stores.orm.clock import DatabaseTime

_PARAMETER = re.compile(r"%\((\w+)\)s")
_IDS, _TIMES = frozenset({"run", "token", "taker", "rerun_of"}), frozenset({"lease", "deadline"})


@lru_cache(maxsize=256)
def time_in(vendor: str, seconds: float) -> tuple[str, Any]:
    """Return what a database calls the time so many seconds from now: SQL, and its parameter."""
    sql, (value,) = getattr(DatabaseTime(seconds), f"as_{vendor}")(None, None)
    return sql, value


@dataclass(frozen=True, slots=True)
class Spelling:
    """A statement as it is said to one kind of database."""

    text: str
    ids: tuple[str, ...]
    """Its parameters that are UUIDs."""
    times: tuple[str, ...]
    """Its parameters that are seconds from now."""


@dataclass(eq=False, slots=True)
class Statement:
    """A text with parameters by name, and with places for what databases say differently."""

    template: str
    _spelled: dict[str, Spelling] = field(default_factory=dict)

    def spelled(self, vendor: str) -> Spelling:
        """Return it for Django's cursors, with `%(name)s` for each parameter."""
        return self._spelled.get(vendor) or self._spell(vendor)

    def raw(self) -> Spelling:
        """Return it for SQLite's own driver, with `:name` for each parameter."""
        return self._spelled.get("raw") or self._spell_raw()

    def _spell(self, vendor: str) -> Spelling:
        sql, value = time_in(vendor, 0.0)
        text = self.template.format(
            now=sql.replace("%s", repr(value)),
            lease_end=sql.replace("%s", "%(lease)s"),
            deadline=sql.replace("%s", "%(deadline)s"),
            # SQLite's transaction has the whole file.
            lock="" if vendor == "sqlite" else "FOR UPDATE",
        )
        names = set(_PARAMETER.findall(text))
        spelling = Spelling(text, tuple(names & _IDS), tuple(names & _TIMES))
        self._spelled[vendor] = spelling
        return spelling

    def _spell_raw(self) -> Spelling:
        found = self.spelled("sqlite")
        text = _PARAMETER.sub(r":\1", found.text).replace("%%", "%")
        self._spelled["raw"] = spelling = Spelling(text, found.ids, found.times)
        return spelling
