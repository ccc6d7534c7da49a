"""One run of `learns_peer.py` in torch, with lightly's losses, heads, memory banks and averages.

    PYTHON benchmarks/learns_peer_torch.py SPEC.json IMAGES.npz OUT.npz

SPEC: what `learns_peer.specification` makes of a recipe. IMAGES: uint8 [n, h, w, 3] as "train" and "test". OUT: the
frozen features of both, float32 [n, d], the seconds of training and until the end of each step, the last loss and the
versions. Needs torch, torchvision and lightly, and nothing of ssl_jax.
"""

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import lightly
import numpy as np
import torch
from lightly import loss as losses
from lightly.models import utils
from lightly.models.batchnorm import SplitBatchNorm
from lightly.models.modules import DINOProjectionHead, NNMemoryBankModule
from lightly.models.modules.heads import ProjectionHead
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import InterpolationMode, v2

CROPS = ("global", "local")
"""Groups of views; teachers see the first."""
AVERAGED = ("encoder", "projector")
EVALUATED = 500
"""Images whose features are taken at a time."""


class Block(nn.Module):
    """conv-norm-relu twice, plus the shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: Callable, zero_init: bool):
        super().__init__()
        self.conv1, self.norm1 = conv(inputs, outputs, 3, stride), norm(outputs)
        self.conv2, self.norm2 = conv(outputs, outputs, 3, 1), norm(outputs)
        if zero_init:
            nn.init.zeros_(self.norm2.weight)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(conv(inputs, outputs, 1, stride), norm(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


def conv(inputs: int, outputs: int, size: int, stride: int) -> nn.Conv2d:
    """Without bias, size // 2 zeros on every side."""
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)


def encoder(
    *, blocks: list, base: int, stem: list, groups: int, zero_init: bool, kernel_init: str, channels: int
) -> nn.Module:
    """The network of `nets/resnet.py` with basic blocks: [b, channels, h, w] -> [b, d]."""
    norm = nn.BatchNorm2d if groups == 1 else functools.partial(SplitBatchNorm, num_splits=groups)
    size, stride, pool = stem
    layers = [conv(channels, base, size, stride), norm(base), nn.ReLU(), *([nn.MaxPool2d(3, 2, 1)] if pool else [])]
    width = base
    for stage, count in enumerate(blocks):
        for i in range(count):
            layers.append(Block(width, base * 2**stage, 2 if stage and not i else 1, norm, zero_init))
            width = base * 2**stage
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if kernel_init == "kaiming":  # otherwise torch's own start stays
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net


def head(*, blocks: list, activation: str, last: int | None) -> nn.Module:
    """blocks: (inputs, outputs, norm, bias) of each linear layer. last: outputs of DINO's last layer, of unit rows."""
    if last:
        return DINOProjectionHead(*blocks[0][:2], *blocks[-1][1:2], last, batch_norm=blocks[0][2] != "none")
    norms = {
        "none": lambda width: None,
        "affine": nn.BatchNorm1d,
        "plain": functools.partial(nn.BatchNorm1d, affine=False),
    }
    made = {"relu": nn.ReLU, "gelu": nn.GELU}[activation]
    acts = [made() for _ in blocks[1:]] + [None]
    layers = [(i, o, norms[norm](o), act, bias) for (i, o, norm, bias), act in zip(blocks, acts, strict=True)]
    net = ProjectionHead(layers)
    for module in net.modules():
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    return net


def networks(spec: dict) -> nn.ModuleDict:
    """The encoder, the heads and, for SwAV, the prototypes."""
    nets = {"encoder": encoder(**spec["encoder"]), **{role: head(**given) for role, given in spec["heads"].items()}}
    if spec["method"] == "swav":
        prototypes = nn.Linear(width(spec), spec["options"]["prototypes"], bias=False)
        nn.init.normal_(prototypes.weight)
        utils.normalize_weight(prototypes.weight)
        nets["prototypes"] = prototypes
    return nn.ModuleDict(nets)


def width(spec: dict) -> int:
    """Of the projections."""
    projector = spec["heads"]["projector"]
    return projector["last"] or projector["blocks"][-1][1]


def joint(net: nn.Module, views: list[Tensor]) -> list[Tensor]:
    """All views in one batch, with one set of batch statistics."""
    return list(net(torch.cat(views)).chunk(len(views)))


def each(net: nn.Module, views: list[Tensor]) -> list[Tensor]:
    """One pass a view, each with batch statistics of its own."""
    return [net(view) for view in views]


JOINT = ("simclr", "dcl", "swav", "dino")
TAUGHT = ("byol", "moco_v2", "dino")


def forward(nets: nn.ModuleDict, groups: Iterable[list[Tensor]], through: Callable) -> dict[str, list[Tensor]]:
    """What the losses see, by name, a list of [b, d] over views."""
    features = [y for views in groups for y in through(nets["encoder"], views)]
    out = {"projection": through(nets["projector"], features)}
    if "predictor" in nets:
        out["prediction"] = through(nets["predictor"], out["projection"])
    if "prototypes" in nets:
        out["scores"] = [nets["prototypes"](F.normalize(z, dim=1)) for z in out["projection"]]
    return out


def crossed(distance: Callable, a: list[Tensor], b: list[Tensor]) -> Tensor:
    """Each view with the other one's, half and half."""
    return 0.5 * (distance(a[0], b[1]) + distance(a[1], b[0]))


PAIRED = {
    "simclr": lambda o: losses.NTXentLoss(o["temperature"]),
    "dcl": lambda o: losses.DCLLoss(o["temperature"]),
    "barlow_twins": lambda o: losses.BarlowTwinsLoss(o["off_diagonal"]),
    "vicreg": lambda o: losses.VICRegLoss(o["invariance"], o["variance"], o["covariance"]),
}
"""Losses of two projections, by a method's options."""


def criterion(spec: dict) -> Callable:
    """(the student's outputs, the teacher's, step) -> the loss, by lightly's classes."""
    name, o = spec["method"], spec["options"]
    if name in PAIRED:
        pair = PAIRED[name](o)
        return lambda student, teacher, step: pair(*student["projection"])
    if name in ("byol", "simsiam"):
        cosine = losses.NegativeCosineSimilarity()
        return lambda student, teacher, step: crossed(cosine, student["prediction"], teacher["projection"])
    if name == "moco_v2":
        queue = losses.NTXentLoss(o["temperature"], memory_bank_size=(o["queue"], width(spec)))
        return lambda student, teacher, step: queue(student["projection"][0], teacher["projection"][0])
    if name == "nnclr":
        bank, contrast = NNMemoryBankModule((o["queue"], width(spec))), losses.NTXentLoss(o["temperature"])

        def nearest(student, teacher, step):
            second = bank(teacher["projection"][1], update=False)
            first = bank(teacher["projection"][0], update=True)  # found before it is written
            return crossed(contrast, [first, second], student["prediction"])

        return nearest
    if name == "swav":
        swapped = losses.SwaVLoss(o["temperature"], o["iterations"], o["epsilon"])
        full = sum(view["count"] for view in spec["views"] if view["group"] == CROPS[0])
        return lambda student, teacher, step: swapped(student["scores"][:full], student["scores"][full:])
    if name == "dino":
        options = dict(student_temp=o["student_temperature"], center_momentum=o["center_momentum"])
        centered, warmth = losses.DINOLoss(width(spec), **options), spec["schedules"]["teacher_temperature"]
        return lambda student, teacher, step: centered(teacher["projection"], student["projection"], warmth[step])
    raise ValueError(f"there is no {name} of the peer's here")


def seen(spec: dict, nets: nn.ModuleDict, teacher: nn.ModuleDict | None, crops: dict[str, list[Tensor]]) -> tuple:
    """(the student's outputs, the teacher's, which are the student's without gradient where there is no teacher)."""
    groups = [crops[name] for name in CROPS if name in crops]
    through = joint if spec["method"] in JOINT else each
    if teacher is None:
        student = forward(nets, groups, through)
        return student, {name: [y.detach() for y in views] for name, views in student.items()}
    full = groups[0]
    if spec["method"] != "moco_v2":
        student = forward(nets, groups, through)
        with torch.no_grad():
            return student, forward(teacher, [full], through)
    student = forward(nets, [full[:1]], through)
    with torch.no_grad():
        keys, order = utils.batch_shuffle(full[1])
        taught = forward(teacher, [[keys]], through)
    return student, {name: [utils.batch_unshuffle(views[0], order)] for name, views in taught.items()}


def optimizer(parameters: list[nn.Parameter], given: dict) -> torch.optim.Optimizer:
    """AdamW, decoupled and without decay of vectors; or the SGD with momentum behind `adapt`."""
    if given["name"] == "larc_clipped":
        return torch.optim.SGD(parameters, lr=0.0, momentum=given["momentum"], nesterov=given["nesterov"])
    split = [[p for p in parameters if (p.ndim <= 1) == vector] for vector in (False, True)]
    groups = [dict(params=split[0], weight_decay=given["weight_decay"]), dict(params=split[1], weight_decay=0.0)]
    return torch.optim.AdamW(groups, lr=0.0, betas=(given["b1"], given["b2"]), eps=given["eps"])


@torch.no_grad()
def adapt(parameters: list[nn.Parameter], given: dict, rate: float) -> None:
    """Gradients of all but vectors times min(trust ratio / rate, 1), decay inside: LARC with its clip."""
    for p in parameters:
        if p.ndim > 1 and p.grad is not None and p.norm() > 0 and p.grad.norm() > 0:
            w, g = p.norm(), p.grad.norm()
            ratio = given["coefficient"] * w / (g + given["weight_decay"] * w + given["eps"])
            p.grad.add_(p, alpha=given["weight_decay"]).mul_((ratio / rate).clamp(max=1.0))


class Views(Dataset):
    """{group: [views, 3, size, size] each} of an image, as the specification's views have them."""

    def __init__(self, images: np.ndarray, views: list[dict]):
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        self.draws = [(view["group"], view["count"], transform(view, images.shape[1])) for view in views]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, list[Tensor]]:
        made = {}
        for group, count, draw in self.draws:
            made.setdefault(group, []).extend(draw(self.images[index]) for _ in range(count))
        return made


def transform(view: dict, side: int) -> v2.Transform:
    """torchvision's operations for a view of square images; geometry on uint8, colors on floats."""
    geometry = [op for op in view["ops"] if op["name"] in ("random_resized_crop", "flip")]
    colors = [op for op in view["ops"] if op not in geometry]
    floats = v2.ToDtype(torch.float32, scale=True)
    return v2.Compose([*(operation(op, side) for op in geometry), floats, *(operation(op, side) for op in colors)])


def operation(op: dict, side: int) -> v2.Transform:
    """One operation, done with its probability."""
    name, p, args = op["name"], op["p"], op["args"]
    if name == "random_resized_crop":
        bicubic = args["method"] == "bicubic"  # filtered in torch it is Keys' with -0.5, else another one, with -0.75
        filtered = bicubic or side / args["size"] > args["antialias_above"]
        method = InterpolationMode.BICUBIC if bicubic else InterpolationMode.BILINEAR
        return v2.RandomResizedCrop(args["size"], args["scale"], args["ratio"], method, filtered)
    if name == "flip":
        return v2.RandomHorizontalFlip(p)
    if name == "grayscale":
        return v2.RandomGrayscale(p)
    if name == "solarize":
        return v2.RandomSolarize(args["threshold"], p)
    if name == "normalize":
        return v2.Normalize(args["mean"], args["std"])
    made = {
        "color_jitter": lambda: v2.ColorJitter(*(args[k] for k in ("brightness", "contrast", "saturation", "hue"))),
        "gaussian_blur": lambda: v2.GaussianBlur(args["kernel_size"], args["sigma"]),
    }
    if name not in made:
        raise ValueError(f"there is no {name} of the peer's here")
    return v2.RandomApply([made[name]()], p)


def batches(spec: dict, images: np.ndarray) -> Iterator[dict[str, list[Tensor]]]:
    """As many batches as there are steps, over the ends of epochs, each of which is a permutation."""
    wanted = spec["steps"] * spec["batch"]
    orders = [torch.randperm(len(images)) for _ in range(-(-wanted // len(images)))]
    order = torch.cat(orders)[:wanted].tolist()
    workers = len(os.sched_getaffinity(0))
    yield from DataLoader(Views(images, spec["views"]), spec["batch"], sampler=order, num_workers=workers)


def train(spec: dict, images: np.ndarray) -> tuple[nn.Module, list[float], float]:
    """(the encoder that is evaluated, seconds until the end of each step, the last loss).

    Raises ValueError where the loss is no number.
    """
    torch.manual_seed(spec["seed"])
    nets, given = networks(spec), spec["optimizer"]
    teacher = None
    if spec["method"] in TAUGHT:
        teacher = networks(spec)
        teacher.load_state_dict(nets.state_dict())
        teacher = nn.ModuleDict({role: teacher[role] for role in AVERAGED}).requires_grad_(False)
    named = [(name, p) for name, p in nets.named_parameters() if p.requires_grad]
    parameters = [p for _, p in named]
    late = [(p, until) for name, p in named for start, until in spec["frozen"].items() if name.startswith(start)]
    loss_of, optimize = criterion(spec), optimizer(parameters, given)
    begin, moments = time.perf_counter(), []
    for step, crops in enumerate(batches(spec, images)):
        loss = loss_of(*seen(spec, nets, teacher, crops), step)
        if not torch.isfinite(loss):
            raise ValueError(f"the peer's loss is {loss.item()} at step {step}")
        optimize.zero_grad(set_to_none=True)
        loss.backward()
        for p, until in late:
            p.grad = p.grad if step >= until else None
        if given["name"] == "larc_clipped":
            adapt(parameters, given, spec["rates"][step])
        for group in optimize.param_groups:
            group["lr"] = spec["rates"][step]
        optimize.step()
        if "prototypes" in nets:
            utils.normalize_weight(nets["prototypes"].weight)
        for role in AVERAGED if teacher else ():
            utils.update_momentum(nets[role], teacher[role], spec["schedules"]["ema_decay"][step])
        moments.append(time.perf_counter() - begin)
    return (teacher if spec["method"] == "dino" else nets)["encoder"], moments, loss.item()


@torch.no_grad()
def features(net: nn.Module, images: np.ndarray, normalize: dict) -> np.ndarray:
    """float32 [n, d] of uint8 [n, h, w, c], by running batch statistics."""
    net.eval()
    prepare = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(**normalize)])
    parts = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().split(EVALUATED)
    return np.concatenate([net(prepare(part)).numpy() for part in parts])


def main(spec: str, images: str, out: str) -> None:
    """Trains, and writes the features, whole or not at all."""
    given, data = json.loads(Path(spec).read_text()), np.load(images)
    net, moments, loss = train(given, data["train"])
    rows = {part: features(net, data[part], given["normalize"]) for part in ("train", "test")}
    versions = {"torch": torch.__version__, "lightly": lightly.__version__}
    with open(f"{out}.part", "wb") as file:
        np.savez(file, **rows, seconds=moments[-1], moments=moments, loss=loss, versions=json.dumps(versions))
    os.replace(f"{out}.part", out)


if __name__ == "__main__":
    main(*sys.argv[1:])
