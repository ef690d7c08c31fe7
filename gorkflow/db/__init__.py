"""Database backends for Django that Gorkflow needs and nobody else has."""
