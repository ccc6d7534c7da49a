"""A run that is killed with -9 again and again: what each kill costs, and whether the end is that of an unbroken run.

    python -m benchmarks.kills [--json] [--kills=30] [--seed=1]

The tiny job of tests/faults (30 steps, a checkpoint every 3, an evaluation every 4) in processes of its own, each
killed within half a second after it has begun to take steps: in steps, saves and evaluations alike. Lost are steps that
were in the log and in no complete checkpoint when the kill came: an interval at most, and another where a save was
under way, else it fails. Whenever a run comes to its end, its metrics have to be those of the unbroken run.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.test_processes import INTERVAL, STEPS, Child, committed, kill, rows


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
                found.append(kill(workdir, moment.uniform(0, 0.5)))
            ended(workdir)
            if rows(workdir) != rows(straight):
                sys.exit(f"after {len(found)} kills the metrics are not those of the unbroken run")
            ends += 1
    lost, half = zip(*found, strict=True)
    result = {"kills": len(found), "runs_equal_to_the_unbroken_one": ends, "most_steps_lost": max(lost)}
    result |= {"mean_steps_lost": statistics.mean(lost), "interval": INTERVAL, "seed": options.seed}
    result |= {"half_saved_when_killed": sum(half), "seconds": time.perf_counter() - begin}
    result |= {"cores": os.cpu_count()}
    line = "{kills} kills, {runs_equal_to_the_unbroken_one} runs, each equal to the unbroken one; at most "
    line += "{most_steps_lost} steps lost, {mean_steps_lost:.1f} in the mean, of {interval}; {seconds:.0f} s"
    print(json.dumps(result, indent=1) if options.json else line.format(**result))


def ended(workdir: Path) -> None:
    """Lets the run come to its end."""
    code, said = Child("none", workdir).end()
    if code:
        sys.exit(said)


if __name__ == "__main__":
    main()
