"""The invariant checker: what must be true of the rows at any moment, and whether it is.

`manage.py gorkflow verify` is its command. It reads in chunks and takes no lock; only what looks
wrong is read again under the run's lock before it is reported, so workers may go on meanwhile.
"""

from gorkflow.invariants.findings import Finding, Invariant
from gorkflow.invariants.verifier import Report, Verifier

__all__ = ["Finding", "Invariant", "Report", "Verifier"]
