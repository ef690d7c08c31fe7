"""Servers of our own: on 127.0.0.1, on free ports, stopped by their pid.

The chaos run and the tests of outages start, stop and crash them.
"""
