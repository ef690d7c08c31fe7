"""One process per system: each drives its system and answers the runner in JSON lines."""
