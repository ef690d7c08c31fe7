"""What it costs to delete old runs while workers run others: `make prune-trial`."""
