"""Whether a conditional step runs: the `when=` of `then_if`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gorkflow.definition.codec import Codec, dump_json
from gorkflow.definition.context import StepContext
from gorkflow.definition.signature import read_signature
from gorkflow.errors import DefinitionError


class Condition:
    """A function of `(ctx, value)`, `(value)` or `(ctx)` that tells whether a step runs.

    `value` is the step's input. An error in the function fails the step.

    Args:
        function: the function; a lambda will do. With two parameters the first is the context.
        step_id: the step it guards, for messages.

    Raises:
        DefinitionError: it takes something else, or is `async`.

    """

    __slots__ = ("_codec", "_what", "function", "input_type", "takes_ctx", "takes_input")

    def __init__(self, function: Callable[..., object], *, step_id: str) -> None:
        self._what = f"the condition of step {step_id!r}"
        signature = read_signature(function, self._what)
        if signature.is_async:
            msg = f"{self._what} is async; a condition only looks at values, so make it a plain def"
            raise DefinitionError(msg, step_id=step_id)
        self.function = function
        self.takes_ctx = signature.takes_ctx
        self.takes_input = signature.takes_input
        self.input_type = signature.input_type
        self._codec: Codec[Any] | None = None

    def __repr__(self) -> str:
        return f"<Condition {getattr(self.function, '__name__', self.function)}>"

    def expect(self, input_type: Any) -> None:
        """Say what type of value it will be given, so that it can be made into its own."""
        if self.takes_input and self.input_type is not Any and self.input_type != input_type:
            self._codec = Codec(self.input_type, what=f"input of {self._what}")
            self._codec.prepare()

    def evaluate(self, ctx: StepContext, value: Any) -> bool:
        """Return whether the step runs.

        Raises:
            PayloadError: the value does not fit what the function takes.

        """
        arguments: list[Any] = [ctx] if self.takes_ctx else []
        if self.takes_input:
            arguments.append(value if self._codec is None else self._converted(value, self._codec))
        return bool(self.function(*arguments))

    def _converted(self, value: Any, codec: Codec[Any]) -> Any:
        # By way of JSON, as between two steps: dates, for one, may still be texts in `value`.
        return codec.load(dump_json(value, what=codec.what))
