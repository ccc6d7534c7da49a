"""torchvision's SimCLR augmentation on a folder of images; prints images/s. benchmarks/augment.py calls it.

    python benchmarks/augment_torchvision.py FOLDER SIZE BATCH pillow|tensors SECONDS

pillow: the usual form, transforms of Pillow images in one worker a core. tensors: the same with the faster transforms
of uint8 tensors (torchvision.transforms.v2). Pillow decodes for both. The encoded images are held in memory.
"""

import io
import os
import sys
import time
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms import v2

NORMAL = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class TwoViews(Dataset):
    """Endlessly many pairs of views of the images of a folder."""

    def __init__(self, folder: str, size: int, how: str):
        self.files = [path.read_bytes() for path in sorted(Path(folder).rglob("*.*")) if path.is_file()]
        self.decode, self.augment = (pillow if how == "pillow" else tensors)(size)

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, index: int) -> torch.Tensor:
        image = self.decode(self.files[index % len(self.files)])
        return torch.stack([self.augment(image), self.augment(image)])


def opened(data: bytes) -> Image.Image:
    """Encoded bytes -> a Pillow image in color."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def pillow(size: int) -> tuple:
    """(decode, augment) of Pillow images."""
    end = [transforms.ToTensor(), transforms.Normalize(*NORMAL)]
    augment = transforms.Compose([*colors(transforms, size, {}), *end])
    return opened, augment


def tensors(size: int) -> tuple:
    """(decode, augment) of uint8 tensors."""
    end = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(*NORMAL)]
    augment = v2.Compose([*colors(v2, size, {"antialias": True}), *end])

    return lambda data: v2.functional.pil_to_tensor(opened(data)), augment


def colors(t, size: int, resize: dict) -> list:
    """Crop, flip, jitter, gray, and blur for images of more than 64 pixels, whose jitter is twice as strong."""
    strength = 1.0 if size > 64 else 0.5
    jitter = t.ColorJitter(0.8 * strength, 0.8 * strength, 0.8 * strength, 0.2 * strength)
    blur = [t.RandomApply([t.GaussianBlur(2 * (size // 20) + 1, (0.1, 2.0))], p=0.5)] if size > 64 else []
    crop = [t.RandomResizedCrop(size, **resize), t.RandomHorizontalFlip()]
    return [*crop, t.RandomApply([jitter], p=0.8), t.RandomGrayscale(0.2), *blur]


def main() -> None:
    """Count whole batches for the given time, after the first few."""
    folder, size, batch, how, seconds = sys.argv[1:]
    torch.set_num_threads(1)
    data = TwoViews(folder, int(size), how)
    batches = iter(DataLoader(data, int(batch), num_workers=len(os.sched_getaffinity(0)), prefetch_factor=2))
    for _ in range(4):
        next(batches)
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < float(seconds):
        next(batches)
        count += int(batch)
    print(count / (time.perf_counter() - begin))


if __name__ == "__main__":
    main()
