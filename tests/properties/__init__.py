"""Bad input, in all the ways that hypothesis and we could think of."""
