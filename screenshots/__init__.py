"""Pictures of the admin, taken from the demo project at work: `make screenshots`."""
