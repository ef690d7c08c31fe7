"""For workers under libfaketime, by --include: it does not know what `time.sleep` calls."""

import select
import time


def sleep(seconds):
    select.select([], [], [], seconds)


time.sleep = sleep
