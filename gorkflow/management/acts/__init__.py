"""What `manage.py gorkflow` can do, a module for each act.

Each has `HELP`, `add_arguments(parser)` and `run(options, out)`; `out` is the command's stdout.
"""

from gorkflow.management.acts import prune, sweep, verify

ACTS = {"sweep": sweep, "prune": prune, "verify": verify}
