"""`make recovery`: seconds from the death of a worker until another one has its step.

The project that is measured does what the README says and nothing else: all settings of gorkflow
are the defaults. Servers are started here.
"""
