"""The steps of `step.py` in torch, in an environment of its own: the mark to reach.

    python benchmarks/step_torch.py [--batch=64] [--rounds=5]

SimCLR (both views in one batch, NT-Xent, SGD with momentum), float32, images that are on the device: ResNet-18 with
the CIFAR stem and ViT-Ti/4 at 32 pixels. Prints JSON: seconds a step, the median of the rounds. Needs torch alone.
"""

import argparse
import json
import statistics
import time

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


def resnet18() -> tuple[nn.Module, int]:
    """The encoder and its width."""
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    width = 64
    for stage, out in enumerate((64, 128, 256, 512)):
        layers += [Block(width, out, 2 if stage else 1), Block(out, out, 1)]
        width = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()).to(memory_format=torch.channels_last), 512


class ViT(nn.Module):
    """ViT-Ti/4: twelve blocks of width 192 with three heads, a class token, learned positions."""

    def __init__(self, width: int = 192, layers: int = 12, heads: int = 3, patch: int = 4, size: int = 32):
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
    return ViT(), 192


def nt_xent(z: torch.Tensor, temperature: float) -> torch.Tensor:
    """z: [2, b, d] -> the mean over all 2b anchors."""
    b = z.shape[1]
    z = F.normalize(z.reshape(2 * b, -1), dim=1)
    logits = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    return F.cross_entropy(logits, torch.arange(2 * b).roll(b))


def measure(made: tuple[nn.Module, int], batch: int, rounds: int) -> float:
    """Seconds of one step."""
    encoder, width = made
    head = (nn.Linear(width, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 128, bias=False))
    model = nn.Sequential(encoder, *head, nn.BatchNorm1d(128))
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


def main() -> None:
    """Measures both and prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    seconds = {make.__name__: measure(make(), options.batch, options.rounds) for make in (resnet18, vit_ti_4)}
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "seconds": seconds}))


if __name__ == "__main__":
    main()
