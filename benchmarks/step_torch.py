"""The steps of `step.py` and `step_device.py` in torch, in a process of its own: the mark to reach.

    python benchmarks/step_torch.py [--batch=64] [--rounds=5]
    python benchmarks/step_torch.py --device=cuda --cases=resnet50,vit_b_16 --batches=64,128,256 [--compile] [--json=F]

SimCLR (both views in one batch, NT-Xent, SGD with momentum), images that are on the device. On a CPU: float32,
ResNet-18 with the CIFAR stem and ViT-Ti/4 at 32 pixels; JSON of the seconds a step, the median of the rounds. On
another device: uint8 views that the step scales to floats, autocast to bfloat16, channels last; images/s (two views
each) and memory.
Needs torch alone.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """conv-norm-relu twice, plus the shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class Bottleneck(nn.Module):
    """conv-norm-relu thrice, plus the shortcut; the stride is the second convolution's."""

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        shapes = ((inputs, width, 1, 1), (width, width, 3, stride), (width, 4 * width, 1, 1))
        self.convs = nn.ModuleList(nn.Conv2d(i, o, k, s, k // 2, bias=False) for i, o, k, s in shapes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(shape[1]) for shape in shapes)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != 4 * width:
            conv = nn.Conv2d(inputs, 4 * width, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(4 * width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = norm(conv(y))
            y = F.relu(y) if i < 2 else y
        return F.relu(y + self.shortcut(x))


def pooled(layers: list[nn.Module]) -> nn.Module:
    """A sequence with a mean at its end, channels last."""
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()).to(memory_format=torch.channels_last)


def resnet18() -> tuple[nn.Module, int]:
    """The encoder and its width."""
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    width = 64
    for stage, out in enumerate((64, 128, 256, 512)):
        layers += [Block(width, out, 2 if stage else 1), Block(out, out, 1)]
        width = out
    return pooled(layers), 512


def resnet50() -> tuple[nn.Module, int]:
    """The encoder, with the ImageNet stem, and its width."""
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for stage, (out, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for i in range(count):
            layers.append(Bottleneck(width, out, 2 if stage and not i else 1))
            width = 4 * out
    return pooled(layers), 2048


class ViT(nn.Module):
    """Pre-norm blocks, a class token, learned positions."""

    def __init__(self, width: int, layers: int, heads: int, patch: int, size: int):
        super().__init__()
        self.embed = nn.Conv2d(3, width, patch, patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, (size // patch) ** 2 + 1, width))
        block = dict(dim_feedforward=4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(width, heads, **block) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]


def vit_ti_4() -> tuple[nn.Module, int]:
    """The encoder and its width."""
    return ViT(192, 12, 3, 4, 32), 192


def vit_b_16() -> tuple[nn.Module, int]:
    """The encoder and its width."""
    return ViT(768, 12, 12, 16, 224), 768


def tiny_vit() -> tuple[nn.Module, int]:
    """For a CPU, which tests this script with it."""
    return ViT(16, 1, 2, 8, 32), 16


SIDES = {resnet50: 224, vit_b_16: 224, tiny_vit: 32}


def nt_xent(z: torch.Tensor, temperature: float) -> torch.Tensor:
    """z: [2, b, d] -> the mean over all 2b anchors."""
    b = z.shape[1]
    z = F.normalize(z.reshape(2 * b, -1), dim=1)
    logits = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    return F.cross_entropy(logits, torch.arange(2 * b, device=z.device).roll(b))


def with_head(made: tuple[nn.Module, int], hidden: int) -> nn.Module:
    """An encoder with SimCLR's projector."""
    encoder, width = made
    head = (nn.Linear(width, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, 128, bias=False))
    return nn.Sequential(encoder, *head, nn.BatchNorm1d(128))


def measure(made: tuple[nn.Module, int], batch: int, rounds: int) -> float:
    """Seconds of one step."""
    model = with_head(made, 512)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9)
    images = torch.randn(2 * batch, 3, 32, 32).to(memory_format=torch.channels_last)
    times = []
    for _ in range(rounds + 2):
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        nt_xent(model(images).reshape(2, batch, -1), 0.1).backward()
        optimizer.step()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[2:])


def on_device(make, batch: int, options: argparse.Namespace) -> dict:
    """The numbers of one batch, or how it failed for want of memory."""
    cuda = options.device == "cuda"
    side, wait = SIDES[make], torch.cuda.synchronize if cuda else lambda: None
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    model = with_head(make(), 2048).to(options.device)
    if options.compile:
        model = torch.compile(model)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9)
    views = torch.randint(0, 256, (2 * batch, side, side, 3), dtype=torch.uint8, device=options.device)

    def step():
        optimizer.zero_grad(set_to_none=True)
        images = views.permute(0, 3, 1, 2).float() / 64 - 2
        with torch.autocast(options.device, torch.bfloat16):
            z = model(images)
        nt_xent(z.float().reshape(2, batch, -1), 0.1).backward()
        optimizer.step()

    row = {"case": make.__name__, "batch": batch, "compiled": options.compile}
    try:
        begin = time.perf_counter()
        step()
        wait()
        row["first_seconds"] = time.perf_counter() - begin
        row["seconds"] = timed(step, wait, options.seconds)
    except torch.OutOfMemoryError as error:
        return row | {"failed": str(error).splitlines()[0][:200]}
    peak = torch.cuda.max_memory_allocated() if cuda else None
    return row | {"images_per_second": batch / row["seconds"], "peak": peak}


def timed(step, wait, seconds: float, rounds: int = 5) -> float:
    """Seconds of one step: the median of rounds of as many steps as take `seconds`, waited for at their end."""
    for _ in range(3):
        step()
    wait()
    begin = time.perf_counter()
    step()
    wait()
    count = max(1, round(seconds / (time.perf_counter() - begin)))
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(count):
            step()
        wait()
        times.append((time.perf_counter() - begin) / count)
    return statistics.median(times)


def told(row: dict) -> str:
    """A row in words."""
    how = "compiled" if row["compiled"] else "eager"
    if "failed" in row:
        return f"torch {how} {row['case']}, batch {row['batch']}: {row['failed']}"
    peak = f"{row['peak'] / 2**30:.2f} GiB" if row["peak"] else "unknown"
    return (f"torch {how} {row['case']}, batch {row['batch']}: {row['images_per_second']:.0f} images/s of two views, "
            f"{1e3 * row['seconds']:.1f} ms a step, first step {row['first_seconds']:.0f} s, peak {peak}")  # fmt: skip


def main() -> None:
    """Measures and prints JSON, or lines."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", help="cuda, or cpu to try that part on one; default: the steps of step.py")
    parser.add_argument("--cases", default="resnet50,vit_b_16")
    parser.add_argument("--batches", default="64,128,256,512,1024", help="in order, until one does not fit")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one of five rounds")
    parser.add_argument("--json", metavar="FILE", type=Path)
    options = parser.parse_args()
    if not options.device:
        seconds = {make.__name__: measure(make(), options.batch, options.rounds) for make in (resnet18, vit_ti_4)}
        print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "seconds": seconds}))
        return
    torch.backends.cudnn.benchmark = True
    makes, rows = {make.__name__: make for make in SIDES}, []
    for name in options.cases.split(","):
        for batch in map(int, options.batches.split(",")):
            rows.append(on_device(makes[name], batch, options))
            print(told(rows[-1]), flush=True)
            if options.json:
                options.json.write_text(json.dumps({"torch": torch.__version__, "rows": rows}, indent=1))
            if "failed" in rows[-1]:
                break


if __name__ == "__main__":
    main()
