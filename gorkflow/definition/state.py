"""The run's state as a handler sees it: a mapping whose changes are committed with the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

import pydantic_core

from gorkflow.definition.codec import dump_json
from gorkflow.records import Json


class RunState(MutableMapping[str, Any]):
    """JSON values by name, shared by the steps of a run.

    Nothing is read until the first use and nothing is stored until the step completes, so a failed
    attempt leaves no trace. Values changed in place are noticed. Two steps that run at the same
    time and write the same name: the one that completes last wins.
    """

    def __init__(self, load: Callable[[], Mapping[str, Json]]) -> None:
        self._load = load
        self._stored: dict[str, Json] | None = None
        self._values: dict[str, Any] = {}
        self._deleted: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            if name in self._deleted:
                raise KeyError(name)
            self._values[name] = pydantic_core.from_json(self._texts()[name])
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str) or not 0 < len(name) <= 200:  # noqa: PLR2004  the column
            msg = f"a state name is a text of 1 to 200 characters, not {name!r:.100}"
            raise TypeError(msg)
        dump_json(name, what="state name")
        dump_json(value, what=f"state {name!r}")
        self._values[name] = value
        self._deleted.discard(name)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._values.pop(name, None)
        self._deleted.add(name)

    def __contains__(self, name: object) -> bool:
        if name in self._deleted:
            return False
        return name in self._values or name in self._texts()

    def __iter__(self) -> Iterator[str]:
        names = {**self._texts(), **self._values}
        return iter([name for name in names if name not in self._deleted])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"RunState({dict(self)!r})"

    def changes(self, max_bytes: int | None = None) -> dict[str, Json | None]:
        """Return what to store: JSON text by name, None for a deleted name.

        Raises:
            PayloadError: a value cannot be stored as JSON, or is larger than `max_bytes`.

        """
        stored = self._stored or {}
        changed: dict[str, Json | None] = {
            name: None for name in sorted(self._deleted) if name in self._texts()
        }
        for name, value in self._values.items():
            text = dump_json(value, what=f"state {name!r}", max_bytes=max_bytes)
            if stored.get(name) != text:
                changed[name] = text
        return changed

    def _texts(self) -> Mapping[str, Json]:
        if self._stored is None:
            self._stored = dict(self._load())
        return self._stored
