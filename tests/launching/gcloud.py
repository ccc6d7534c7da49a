"""A stand-in for gcloud: plays the scenario of $GCLOUD_SCENARIO and notes every call beside it.

{"tpus": [[[state, exits, log], …], …], "refused": n, "silent": n}: what is seen of the first TPU at one look after the
other (the last stays), of the second, …; how many creations are refused and how many descriptions fail at first.
"""

import json
import os
import pathlib
import sys

path = pathlib.Path(os.environ["GCLOUD_SCENARIO"])
scene = json.loads(path.read_text())
argv = sys.argv[1:]
with path.with_suffix(".calls").open("a") as calls:
    calls.write(" ".join(argv) + "\n")


def end(code: int, text: str = "") -> None:
    path.write_text(json.dumps(scene))
    print(text, file=sys.stderr if code else sys.stdout)
    sys.exit(code)


made = scene.setdefault("made", 0)
here = scene.setdefault("here", False)
looks = scene["tpus"][made - 1] if made else []
if argv[:2] == ["storage", "cp"] or argv[:2] == ["storage", "rm"]:
    end(0)
if "create" in argv:
    if scene.get("refused", 0) > 0:
        scene["refused"] -= 1
        end(1, "ERROR: (gcloud) RESOURCE_EXHAUSTED: Quota limit has been exceeded")
    scene["made"], scene["here"] = made + 1, True
    end(0)
if "delete" in argv:
    scene["here"] = False
    end(0)
if "describe" in argv:
    if scene.get("silent", 0) > 0:
        scene["silent"] -= 1
        end(1, "ERROR: (gcloud) Could not reach the network")
    if not here:
        end(1, "ERROR: (gcloud) NOT_FOUND: Resource was not found")
    scene["now"] = looks.pop(0) if len(looks) > 1 else looks[0]
    end(0, scene["now"][0])
if "ssh" in argv:
    end(0, scene["now"][2]) if scene["now"][2] else end(255, "ssh: connect to host port 22: Connection refused")
if argv[:2] == ["storage", "cat"]:
    end(0, scene["now"][1]) if scene["now"][1] else end(1, "ERROR: matched no objects")
end(3, f"the stand-in does not know {argv}")
