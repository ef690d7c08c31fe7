"""What `manage.py gorkflow` can do, a module for each act.

Each has `HELP`, `add_arguments(parser)` and `run(options, out)`; `out` is the command's stdout.
"""

from gorkflow.management.acts import (
    cancel,
    prune,
    rerun,
    retry,
    runs,
    show,
    start,
    sweep,
    verify,
    watch,
)

ACTS = {
    "runs": runs,
    "show": show,
    "watch": watch,
    "start": start,
    "cancel": cancel,
    "retry": retry,
    "rerun": rerun,
    "sweep": sweep,
    "prune": prune,
    "verify": verify,
}
