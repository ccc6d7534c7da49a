"""What `device.sh` needs beside its parts: the machine, and one file of results.

python benchmarks/device.py machine FILE      says what machine this is
python benchmarks/device.py join FOLDER FILE  joins the files of the parts; exits by 1 where one failed
"""

import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

PACKAGES = tuple("jax jaxlib flax optax orbax-checkpoint numpy torch tensorflow-cpu tensorflow".split())


def main(what: str, *paths: str) -> int:
    """One of the two verbs above."""
    return {"machine": machine, "join": join}[what](*map(Path, paths))


def machine(file: Path) -> int:
    """Device, driver, memory and versions."""
    jax = importlib.import_module("jax")
    device = jax.devices()[0]
    about = {
        "device": device.device_kind,
        "platform": device.platform,
        "devices": jax.device_count(),
        "gpu": asked("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"),
        "bytes_limit": (device.memory_stats() or {}).get("bytes_limit"),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "python": sys.version.split()[0],
        "versions": {name: version(name) for name in PACKAGES if version(name)},
    }
    print("\n".join(f"{name:12s} {value}" for name, value in about.items()))
    file.write_text(json.dumps(about))
    return 0


def asked(*command: str) -> str | None:
    """What a command says, or None where it is not there or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def version(name: str) -> str | None:
    """Of an installed package, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def join(folder: Path, file: Path) -> int:
    """Writes the results of all parts to one file; says the ratios to torch, and what failed or was left out."""
    every = {name: part(folder, name, how, seconds) for name, how, seconds in lines(folder / "parts")}
    machine, parts = every.get("machine"), {name: one for name, one in every.items() if name != "machine"}
    result = {"commit": os.environ.get("COMMIT"), "machine": machine, "ratios_to_torch": ratios(parts), "parts": parts}
    file.write_text(json.dumps(result, indent=1) + "\n")
    for name, row in result["ratios_to_torch"].items():
        speeds = f"{row['ours']:.0f} and {row['torch']:.0f}, {row['how']}"
        print(f"{name}: {row['ratio']:.2f} of torch's images/s ({speeds})")
    failed = {name: one["failed"] for name, one in every.items() if "failed" in one}
    for name, one in every.items():
        if "left_out" in one:
            print(f"left out: {name}, {one['left_out']}")
    for name, reason in failed.items():
        print(f"FAILED: {name}, {reason}")
    print(f"{file}: {len(every) - len(failed)} of {len(every)} parts without a failure")
    return 1 if failed or not every else 0


def lines(file: Path) -> list[list[str]]:
    """The rows that device.sh noted: name, exit code or reason, seconds."""
    return [line.split("\t") for line in file.read_text().splitlines()] if file.exists() else []


def part(folder: Path, name: str, how: str, seconds: str) -> dict:
    """One part's results and how it went."""
    one: dict = {"part_seconds": int(seconds)}
    if how.startswith("left out: "):
        return {"left_out": how.removeprefix("left out: ")}
    if how != "0":
        one["failed"] = {"124": "its time was over", "137": "its time was over"}.get(how, f"exit code {how}")
    if (folder / f"{name}.json").exists():
        one |= json.loads((folder / f"{name}.json").read_text())
    if name == "laws" and (folder / "laws.log").exists():
        one |= tests((folder / "laws.log").read_text())
    if (folder / f"{name}.jsonl").exists():
        one["rows"] = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    return one


def tests(log: str) -> dict:
    """Of pytest's words, with -vv, as the project has -q: how many passed, and which did not, until they break off."""
    ended = re.findall(
        r"(PASSED|FAILED|ERROR|SKIPPED)\S* +(?:\[ *\d+%\] +)?(tests/.+?) *$", log, re.MULTILINE
    )  # of several processes
    ended += [(how, name) for name, how in re.findall(r"^(tests/.+?) (PASSED|FAILED|ERROR|SKIPPED)", log, re.MULTILINE)]
    of = {name: how for how, name in ended}
    words = {"PASSED": "passed", "FAILED": "failures", "ERROR": "errors", "SKIPPED": "skipped"}
    found = {word: sorted(name for name, how in of.items() if how == kind) for kind, word in words.items()}
    return found | {"passed": len(found["passed"])}


def ratios(parts: dict) -> dict:
    """For each case and batch that both measured, our images/s over torch's best, with views that are only scaled."""
    found: dict = {}
    for case in ("resnet50", "vit_b_16"):
        rows = [row for kind in ("torch", "compiled") for row in parts.get(f"{kind}_{case}", {}).get("rows", [])]
        for ours in parts.get(case, {}).get("rows", []):
            theirs = [row for row in rows if row["batch"] == ours["batch"] and "images_per_second" in row]
            if ours["views"] != "scaled" or "images_per_second" not in ours or not theirs:
                continue
            best = max(theirs, key=lambda row: row["images_per_second"])
            one, other = ours["images_per_second"], best["images_per_second"]
            how = "torch.compile" if best["compiled"] else "eager"
            found[f"{case}, batch {ours['batch']}"] = {"ratio": one / other, "ours": one, "torch": other, "how": how}
    return found


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
