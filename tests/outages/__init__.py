"""What happens when a server goes away, a clock is wrong, code changes or a worker has to go."""
