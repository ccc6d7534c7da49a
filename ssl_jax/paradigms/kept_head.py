"""What of a head is kept: `embed` gives its first layer, too."""

from ssl_jax.types import Array, Key, Method, Net, Tree


def with_first_layer(method: Method, projector: Net) -> Method:
    """The method, whose `embed` has beside its outputs "projection/1" [b, d], what the first layer of the student's
    projector says: what SimCLR v2 fine-tunes (arXiv:2006.10029, section 2). "pool" stays the encoder's.

    `init` raises ValueError for a projector that has no layer behind it.
    """

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        params, state = method.init(key, batch)
        if "linear2" not in params["projector"]:
            raise ValueError(
                "the method gives the first layer of its projector as features, and this one has no other behind it: "
                "take simclr_projector or mlp with two widths or more"
            )
        return params, state

    def embed(params: Tree, state: Tree, inputs: dict[str, Array]) -> dict:
        y = method.embed(params, state, inputs)
        head = (params["projector"], state["stats"]["projector"], y["pool"])
        return {**y, "projection/1": projector.apply(*head, train=False, layers=1)[0]}

    return method._replace(init=init, embed=embed)
