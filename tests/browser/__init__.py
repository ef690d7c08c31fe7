"""The admin in a real browser: a pytest process of its own, `make browser`."""
