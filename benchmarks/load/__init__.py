"""How many requests a second the API answers, with many runs in the tables."""
