"""Carrying hints to workers: the contract and its implementations."""
