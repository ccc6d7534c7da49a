"""A run that is killed with -9 again and again: what each kill costs, and whether the end is that of an unbroken run.

    python -m benchmarks.kills [--json] [--kills=30] [--seed=1]

The tiny job of tests/faults (30 steps, a checkpoint every 3, an evaluation every 4) in processes of its own, each
killed within half a second after its first new row, in steps, saves and evaluations alike. Lost: steps that were in the
log and in no complete checkpoint when the kill came; at most an interval, and another where a save was under way.
Whenever the run comes to its end, its metrics are compared with those of the unbroken run and it begins anew.
"""

import argparse
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.test_processes import STEPS, Child, committed, rows, rows_now

INTERVAL = 3
"""Steps between checkpoints."""


def main() -> None:
    """Kills, and prints a line or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    moment, found, ends, begin = random.Random(options.seed), [], 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        ended(straight := Path(folder) / "straight")
        run = 0
        while len(found) < options.kills:
            workdir, run = Path(folder) / f"run{run}", run + 1
            while len(found) < options.kills and max(committed(workdir), default=0) < STEPS:
                found.append(killed(workdir, moment.uniform(0, 0.5)))
            ended(workdir)
            if rows(workdir) != rows(straight):
                sys.exit(f"after {len(found)} kills the metrics are not those of the unbroken run")
            ends += 1
    lost = [one["lost"] for one in found]
    result = {"kills": len(found), "runs_equal_to_the_unbroken_one": ends, "most_steps_lost": max(lost)}
    result |= {"mean_steps_lost": statistics.mean(lost), "interval": INTERVAL, "seed": options.seed}
    result |= {"half_saved_when_killed": sum(one["half"] for one in found), "seconds": time.perf_counter() - begin}
    result |= {"cores": os.cpu_count()}
    line = "{kills} kills, {runs_equal_to_the_unbroken_one} runs, each equal to the unbroken one; at most "
    line += "{most_steps_lost} steps lost, {mean_steps_lost:.1f} in the mean, of {interval}; {seconds:.0f} s"
    print(json.dumps(result, indent=1) if options.json else line.format(**result))
    if any(one["lost"] > INTERVAL * (1 + one["half"]) for one in found):
        sys.exit("more than one interval was lost")


def killed(workdir: Path, seconds: float) -> dict:
    """Starts the run and kills it so long after its first new row; the steps lost, and whether a save was under way."""
    newest, child = max(committed(workdir), default=0), Child("slow", workdir)
    child.until(lambda: rows_now(workdir) > newest or child.process.poll() == 0)
    time.sleep(seconds)
    child.process.send_signal(signal.SIGKILL)
    child.end()
    half = any("tmp" in path.name for path in (workdir / "checkpoints").glob("*"))
    return {"lost": rows_now(workdir) - max(committed(workdir), default=0), "half": half}


def ended(workdir: Path) -> None:
    """Lets the run come to its end."""
    code, said = Child("none", workdir).end()
    if code:
        sys.exit(said)


if __name__ == "__main__":
    main()
