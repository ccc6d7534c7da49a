from ssl_jax.config.durations import Clock
from ssl_jax.passes import times

CLOCK = Clock(examples=40, batch=8, total=50)


def test_a_pass_of_each_so_many_steps_waits_for_the_first_of_them():
    due = times.each(7)
    assert [step for step in range(30) if due(step, CLOCK)] == [7, 14, 21, 28]


def test_ever_rarer_times_lie_at_the_squares_of_even_steps():
    due = times.ever_rarer(11)
    assert [step for step in range(51) if due(step, CLOCK)] == [0, 1, 2, 5, 8, 13, 18, 25, 32, 41, 50]
    assert [step for step in range(51) if times.ever_rarer(1)(step, CLOCK)] == [0]
    imagenet = Clock(examples=1_281_167, batch=256, total=2_001_824)
    assert sum(times.ever_rarer(100)(step, imagenet) for step in range(300_000)) == 39  # of 100, in 15 % of the run
