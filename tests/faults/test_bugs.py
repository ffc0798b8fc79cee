"""The list of planted bugs is up to date with the code (`make torture` plants them)."""

from __future__ import annotations

import pytest

from tests.faults.bugs import BUGS, Bug, times_found


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_changes_exactly_one_place(bug: Bug) -> None:
    assert times_found(bug) == 1
    assert bug.old != bug.new
