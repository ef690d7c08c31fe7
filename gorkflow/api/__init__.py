"""The REST API: everything that a program needs to start, follow and steer runs."""
