"""What an exception becomes when it is stored: an `ErrorInfo`, whatever the exception does."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic_core

from gorkflow.errors import ErrorCode, GorkflowError, PayloadError
from gorkflow.records import ErrorInfo, storable_text

MAX_TRACEBACK = 16 * 1024
MAX_MESSAGE = 2000
MAX_ERRORS = 32 * 1024
"""Characters of JSON of a PayloadError's field errors."""


def error_info(
    code: ErrorCode, error: BaseException, *, step_id: str = "", attempt: int = 0
) -> ErrorInfo:
    """Describe an exception: message and traceback capped, no locals, no NUL characters."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    return ErrorInfo(
        code=code,
        message=_cut(_text(error)),
        type=_cut(name),
        step_id=step_id,
        attempt=attempt,
        errors=_plain_errors(error) if isinstance(error, PayloadError) else (),
        traceback=_traceback(error),
    )


def code_of(error: BaseException) -> ErrorCode:
    """Return the code of one of our errors; a code of somebody's own making is none of ours."""
    code = error.code if isinstance(error, GorkflowError) else None
    return code if isinstance(code, ErrorCode) else ErrorCode.EXECUTION_FAILED


class ToldToEnd(SystemExit):
    """Raised in the middle of a handler when its process is told to end at once."""


def is_told_to_end(error: BaseException) -> bool:
    """Tell whether an exception comes from outside, to end this process: a signal raised it.

    Signals arrive in the main thread. In a Celery child, which ignores Ctrl-C, they raise
    `ToldToEnd`, and a plain `sys.exit()` is the handler's own: it is contained like any error.
    """
    if isinstance(error, ToldToEnd):
        return True
    if threading.current_thread() is not threading.main_thread():
        return False
    if isinstance(error, KeyboardInterrupt):
        return signal.getsignal(signal.SIGINT) is signal.default_int_handler
    # A subclass of SystemExit is how Celery's solo pool is stopped at once.
    is_exit = isinstance(error, SystemExit) and type(error) is not SystemExit
    return is_exit and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def _cut(text: str) -> str:
    return storable_text(text[:MAX_MESSAGE])[:MAX_MESSAGE]


def _text(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except BaseException:  # noqa: BLE001  a broken __str__ must not lose the error
        return type(error).__name__


def _traceback(error: BaseException) -> str:
    try:
        lines = traceback.format_exception(error, limit=-30)
    except Exception:  # noqa: BLE001  it asks the exception for more than its text
        return ""
    # Line by line: one long message must not push the frames out.
    return "".join(map(_cut, lines))[-MAX_TRACEBACK:]


def _plain_errors(error: PayloadError) -> Sequence[Mapping[str, Any]]:
    # A user's own PayloadError may hold anything; ours are plain and capped already.
    try:
        text = pydantic_core.to_json(error.errors, fallback=_name, inf_nan_mode="strings").decode()
        errors: list[dict[str, Any]] = pydantic_core.from_json(text.replace("\\u0000", "?"))
    except Exception:  # noqa: BLE001
        return ()
    fits = len(text) <= MAX_ERRORS and isinstance(errors, list)
    return errors if fits and all(isinstance(each, dict) for each in errors) else ()


def _name(value: Any) -> str:
    return type(value).__name__
