"""Dataclasses that nobody changes, made quickly.

`dataclass(frozen=True)` takes three times as long to make an object, and every step makes half a
dozen. What is decorated here is frozen for the type checker alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def value(cls: type[T]) -> type[T]:
    """Make a class into a dataclass with slots, whose fields are given by name and then stay."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
