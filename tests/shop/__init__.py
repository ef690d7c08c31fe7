"""A host app with a model and workflows, as a user would have."""
