import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.wilson import wilson

samples = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
confidences = st.floats(0.5, 0.999)


@pytest.mark.parametrize(
    ("successes", "attempts", "low", "high"),
    [  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_agrees_with_newcombe_1998(successes, attempts, low, high):
    assert [round(end, 4) for end in wilson(successes, attempts)] == [low, high]


@given(samples, confidences)
def test_holds_the_rate_and_lies_in_the_unit_interval(sample, confidence):
    successes, attempts = sample
    low, high = wilson(successes, attempts, confidence)
    assert 0 <= low <= successes / attempts <= high <= 1


@given(samples, confidences)
def test_is_symmetric(sample, confidence):
    successes, attempts = sample
    low, high = wilson(successes, attempts, confidence)
    mirrored_low, mirrored_high = wilson(attempts - successes, attempts, confidence)
    assert low == pytest.approx(1 - mirrored_high, abs=1e-12)
    assert high == pytest.approx(1 - mirrored_low, abs=1e-12)


@given(samples, st.integers(2, 50), confidences)
def test_narrows_as_the_sample_grows(sample, times, confidence):
    successes, attempts = sample
    low, high = wilson(successes, attempts, confidence)
    narrow_low, narrow_high = wilson(successes * times, attempts * times, confidence)
    assert narrow_high - narrow_low < high - low


@given(samples, st.floats(0.5, 0.9))
def test_widens_with_confidence(sample, confidence):
    low, high = wilson(*sample, confidence)
    wide_low, wide_high = wilson(*sample, confidence + 0.09)
    assert wide_low <= low
    assert high <= wide_high


def test_nothing_is_known_without_attempts():
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("counts", [(3, 2), (-1, 2), (0, -1)])
def test_refuses_what_is_no_rate(counts):
    with pytest.raises(ValueError, match="not a rate"):
        wilson(*counts)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_refuses_a_confidence_that_is_none(confidence):
    with pytest.raises(ValueError, match=r"such as 0\.95"):
        wilson(1, 2, confidence)
