"""Progress and seconds."""

from __future__ import annotations

from seac.evaluation.timer import ProgressTimer


def test_items_pass_through_the_given_progress() -> None:
    steps = []

    def progress(items, step):
        steps.append(step)
        return iter(items)

    assert (
        list(ProgressTimer(progress).over([1, 2], "scoring"))
        == [1, 2]
        == list(ProgressTimer().over([1, 2], ""))
    )
    assert steps == ["scoring"]


def test_seconds_of_a_step_add_up() -> None:
    timer = ProgressTimer()
    for _ in range(2):
        with timer.time("scoring"):
            pass
    assert list(timer.seconds) == ["scoring"]
    assert timer.seconds["scoring"] > 0
