"""Whether and when a failed step is tried again. Pure: no clock, no sleep."""

from __future__ import annotations

from collections.abc import Callable

from gorkflow.config import Backoff, ExecutionConfig
from gorkflow.errors import NonRetryableError, PayloadError


def compute_delay(config: ExecutionConfig, retry_number: int, random: Callable[[], float]) -> float:
    """Return the seconds to wait before a retry.

    Args:
        config: gives delay, backoff, cap and jitter.
        retry_number: 1 for the first retry.
        random: returns a number in [0, 1).

    """
    delay = config.retry_delay
    if config.backoff is Backoff.LINEAR:
        delay *= retry_number
    elif config.backoff is Backoff.EXPONENTIAL:
        # The exponent is capped because 2.0 ** 1100 overflows long before max_delay is compared.
        delay *= 2.0 ** min(retry_number - 1, 64)
    return min(delay, config.max_delay) * (1.0 - config.jitter * random())


def is_retryable(config: ExecutionConfig, error: BaseException) -> bool:
    """Tell whether the error is of a kind that another attempt might cure.

    A group of errors (of an `asyncio.TaskGroup`) is what all of its members are.
    """
    if isinstance(error, (PayloadError, NonRetryableError, *config.no_retry_on)):
        return False
    if isinstance(error, BaseExceptionGroup):
        return all(is_retryable(config, each) for each in error.exceptions)
    return config.retry_on is None or isinstance(error, config.retry_on)
