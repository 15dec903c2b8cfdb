import pytest

from streams.agents.pace import Pace


@pytest.mark.parametrize(("share", "rest"), [(0.25, 6.0), (0.5, 2.0), (1.0, 0.0)])
def test_work_rests_in_proportion(share, rest):
    now = 100.0
    pace = Pace(share, clock=lambda: now)
    assert pace.is_due()
    with pace.working():
        now += 1.5
    now += 60.0  # waits for Kafka
    with pace.working():
        now += 0.5
    assert pace.is_due()
    pace.rest()
    now += rest / 2
    assert pace.is_due() == (rest == 0)
    now += rest / 2 + 0.01
    assert pace.is_due()


def test_work_that_fails_rests_too():
    now = 0.0
    pace = Pace(0.5, clock=lambda: now)
    with pytest.raises(RuntimeError), pace.working():
        now += 1.0
        raise RuntimeError
    pace.rest()
    assert not pace.is_due()
