from ssl_jax.config.durations import Clock
from ssl_jax.passes import times

CLOCK = Clock(examples=40, batch=8, total=50)


def test_a_pass_of_each_so_many_steps_waits_for_the_first_of_them():
    due = times.each(7)
    assert [step for step in range(30) if due(step, CLOCK)] == [7, 14, 21, 28]
