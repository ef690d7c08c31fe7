"""A Django project with this app's workflows, on the database and broker that it is given."""
