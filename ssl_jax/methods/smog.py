"""SMoG (Pang et al. 2022, arXiv:2207.06167): contrast with groups, which move at each step and are clustered anew."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import grouped
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import caught_up, self_distillation
from ssl_jax.passes import times
from ssl_jax.types import Card, Method, Net, Pass, Schedule

CARD = Card("SMoG", "joint embedding", 2022, "arXiv:2207.06167")


def smog(
    encoder: Net,
    projector: Net,
    predictor: Net,
    *,
    ema_decay: Schedule,
    groups: int = 300,
    past: int = 76800,
    beta: float = 0.99,
    temperature: float = 0.1,
    reset: int = 300,
) -> Method:
    """Numbers of lightly's example at a batch of 256; ema_decay: 0.99. past: projections that are clustered after each
    `reset` steps, when the teacher becomes the student again. The student sees the first view and the teacher the last:
    there they take turns, which for views of one kind is the same.
    """
    ranges.above_zero(reset=reset)
    criterion = grouped.smog(groups=groups, past=past, beta=beta, temperature=temperature)
    options = dict(predictor=predictor, ema_decay=ema_decay, shown=encode.apart)

    def finish(state, found, key):
        held = state.method_state
        groups = grouped.regroup(key, held["criterion"])
        return caught_up(state._replace(method_state={**held, "criterion": groups}))

    made = self_distillation(encoder, projector, criterion, **options)
    return made._replace(passes=(Pass(due=times.each(reset), finish=finish),))
