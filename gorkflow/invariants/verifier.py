"""Looks through the tables without standing in anybody's way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from gorkflow.config import EngineConfig
from gorkflow.definition.registry import Registry
from gorkflow.engine.planner import Planner
from gorkflow.invariants.facts import Facts, load_facts
from gorkflow.invariants.findings import Finding
from gorkflow.invariants.payloads import check_payloads
from gorkflow.invariants.repairs import Repairs
from gorkflow.invariants.runs import check_run
from gorkflow.invariants.steps import check_steps
from gorkflow.invariants.tables import check_orphans, check_run_limits
from gorkflow.models import WorkflowRun
from gorkflow.stores.orm.claiming import lock_run
from gorkflow.stores.orm.transactions import write_transaction

BATCH = 200
"""Runs read at a time."""


@dataclass(kw_only=True)
class Report:
    """What was looked at and what was found."""

    runs: int = 0
    steps: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong, or not any more."""
        return all(finding.fixed for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "runs": self.runs,
            "steps": self.steps,
            "sound": self.is_sound,
            "findings": [finding.to_dict() for finding in self.findings],
        }


class Verifier:
    """Checks the rows of a database against the invariants.

    Args:
        using: the database alias.
        registry: the workflows that say what outputs must look like; None leaves payloads unread.
        config: the engine's, for rows that have to be made again.
        fix: whether to make right what can be made right in one way only.

    """

    def __init__(
        self,
        using: str,
        *,
        registry: Registry | None,
        config: EngineConfig,
        fix: bool = False,
    ) -> None:
        self._using = using
        self._registry = registry
        self._config = config
        self._fix = fix

    def verify(self, run_ids: Sequence[UUID] | None = None) -> Report:
        """Check these runs; None checks all of them, and what no run owns.

        Reads in small pieces and takes no lock. What looks wrong may be half of somebody's
        transaction, so it is read again under the run's lock before it is reported.
        """
        report = Report()
        chunks = _chunks(self._using) if run_ids is None else [list(run_ids)]
        for ids in chunks:
            chunk = load_facts(ids, self._using)
            report.runs += len(chunk)
            report.steps += sum(len(facts.steps) for facts in chunk)
            for facts in chunk:
                if any(_check(facts)):
                    report.findings += self._look_again(facts.run.pk)
            if self._registry is not None:
                report.findings += check_payloads(chunk, self._registry, self._using)
        if run_ids is None:
            report.findings += check_orphans(self._using, fix=self._fix)
            report.findings += check_run_limits(self._using)
        return report

    def _look_again(self, run_id: UUID) -> Iterable[Finding]:
        with write_transaction(self._using):
            # Only the run: whatever changes what its steps mean to each other locks it first.
            if lock_run(run_id, self._using) is None:
                return []
            findings = self._findings(run_id)
            if not (self._fix and any(finding.fixable for finding in findings)):
                return findings
            return [*self._repair(run_id, findings)]

    def _repair(self, run_id: UUID, findings: Sequence[Finding]) -> Iterator[Finding]:
        (facts,) = load_facts([run_id], self._using)
        if facts.graph is not None:
            repairs = Repairs(facts, Planner(facts.graph, self._config), self._using)
            for finding in findings:
                repairs.apply(finding)
        left = self._findings(run_id)
        yield from (replace(finding, fixed=True) for finding in findings if finding not in left)
        yield from left

    def _findings(self, run_id: UUID) -> list[Finding]:
        return [finding for facts in load_facts([run_id], self._using) for finding in _check(facts)]


def _check(facts: Facts) -> Iterator[Finding]:
    yield from check_run(facts)
    yield from check_steps(facts)


def _chunks(using: str) -> Iterator[list[UUID]]:
    runs = WorkflowRun.objects.using(using).order_by("pk").values_list("pk", flat=True)
    ids = list(runs[:BATCH])
    while ids:
        yield ids
        ids = list(runs.filter(pk__gt=ids[-1])[:BATCH])
