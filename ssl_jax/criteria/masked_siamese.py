"""MSN's criterion and PMSN's: prototypes of views that are shown in part are those of a view that is whole."""

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import clustering, contrastive, distillation
from ssl_jax.losses.precision import matmul, wide
from ssl_jax.types import Array, Criterion, Key, Pairs, Schedule, Seen


def masked_siamese(
    *,
    target_temperature: Schedule,
    prototypes: int = 1024,
    temperature: float = 0.1,
    iterations: int = 3,
    weight: float = 1.0,
    exponent: float = 0.0,
    prior_first: bool = False,
    pairs: Pairs = views.every,
) -> Criterion:
    """MSN (arXiv:2204.07141, eq. 1 and 2; code), and PMSN (arXiv:2210.07277) where the prior is not uniform.

    student: [b, v, d], the anchors; teacher: [b, w, d], the targets; any norm. Both are compared with unit prototypes;
    the target's softmax is sharpened, p^(1 / target_temperature), and balanced over the batch by `iterations` of
    Sinkhorn (0 for none). A mean over the pairs of the cross-entropy, and `weight` times KL(p || prior) of the
    anchors' mean prediction p over all of the batch: with a uniform prior log k - H(p), MSN's me-max. The prior of
    prototype i is i^(-exponent); prior_first: KL(prior || p) instead, as lightly has it. Parameters: {"prototypes":
    [k, d]}, from U(-1, 1) / sqrt(d), which learn from the anchors alone; the optimizer does not decay them in the
    code. Metrics: "msn/loss", "msn/prior", the two terms; "prototypes/used" of the targets.
    """
    ranges.above_zero(prototypes=prototypes, temperature=temperature)
    ranges.zero_or_more(iterations=iterations, weight=weight, exponent=exponent)
    ranges.at_most(1000, iterations=iterations)

    def init(key, seen):
        views.require(seen, pairs=pairs)
        return _uniform(key, seen, prototypes), {}

    def loss(params, state, seen):
        rows = contrastive.unit(params["prototypes"]).astype(wide(seen.student.dtype))
        logits = matmul(contrastive.unit(seen.student), rows.T) / temperature
        teacher, fixed = jax.lax.stop_gradient((contrastive.unit(seen.teacher), rows))
        sharp = temperature * jnp.asarray(target_temperature(seen.step), teacher.dtype)
        known = jax.nn.log_softmax(matmul(teacher, fixed.T) / sharp)
        target = clustering.sinkhorn(known, epsilon=1.0, iterations=iterations)
        each = [distillation.cross_entropy(target[:, t], logits[:, s]) for t, s in views.of(seen, pairs)]
        value = sum(each) / len(each)
        away = clustering.from_prior(jax.nn.softmax(logits), exponent=exponent, prior_first=prior_first)
        metrics = {"msn/loss": value, "msn/prior": away, "prototypes/used": monitors.used(target)}
        return value + weight * away, {**metrics, "teacher/entropy": monitors.entropy(target)}

    return Criterion(init, loss, lambda state, seen: state)


def _uniform(key: Key, seen: Seen, count: int) -> dict[str, Array]:
    d = seen.student.shape[-1]
    return {"prototypes": jax.random.uniform(key, (count, d), minval=-(d**-0.5), maxval=d**-0.5)}
