"""Random DAGs on the real engine against a plain recursive model."""

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.plans import check_ended, plans


@given(plan=plans())
def test_a_run_does_what_the_model_says(lab, plan):
    run = lab.run(plan.builder(), plan.value)

    check_ended(plan, run)
    lab.check()
    lab.engine.prune(older_than=0)


@given(plan=plans())
def test_a_failed_run_that_is_mended_and_retried_does_the_rest_and_no_more(lab, plan):
    run = lab.run(plan.builder(), plan.value)
    if str(run.status) == "COMPLETED":
        return
    done = {each.step_id for each in run.steps() if str(each.status) in ("COMPLETED", "SKIPPED")}
    tolerated = {
        each.step_id
        for each in run.steps()
        if str(each.status) == "FAILED" and plan.by_name[each.step_id].tolerated
    }
    before = dict(plan.calls)
    plan.mended = True

    lab.check()
    run.retry()
    lab.check()
    lab.engine.run_to_end(run.id)

    assert str(run.refresh().status) == "COMPLETED"
    assert all(plan.calls[name] == before.get(name, 0) for name in done | tolerated)
    statuses = {each.step_id: str(each.status) for each in run.steps()}
    assert all(statuses[name] == "FAILED" for name in tolerated)
    assert {statuses[name] for name in statuses if name not in tolerated} <= {
        "COMPLETED",
        "SKIPPED",
    }
    lab.engine.prune(older_than=0)


MOVES = st.lists(st.sampled_from(["first", "last", "lose", "double"]), max_size=40)


@given(plan=plans(), moves=MOVES)
def test_no_order_loss_or_doubling_of_messages_changes_what_becomes_of_a_run(lab, plan, moves):
    """Every delivery works on one step at most; the rest is done in the end."""
    engine = lab.engine
    run = lab.start(plan.builder(), plan.value)
    hints = engine.dispatcher.hints
    for move in moves:
        if not hints:
            break
        hint = hints.pop() if move == "last" else hints.popleft()
        if move == "double":
            hints.append(hint)
        if move != "lose":
            engine.work(hint.run_id, queue=hint.queue, budget=0)

    lab.check()
    hints.clear()
    engine.run_to_end(run.id)

    check_ended(plan, run.refresh())
    lab.check()
    engine.prune(older_than=0)
