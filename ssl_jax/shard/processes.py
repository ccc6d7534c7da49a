"""Several processes as one run: joining the others, agreeing with them, and stopping together.

A process that fails must not wait for the others, and they must not wait for it: see `failing_alone`.
"""

import contextlib
import itertools
import os
import socket
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterator

import jax
from jax._src import distributed, hardware_utils

from ssl_jax.process import exits
from ssl_jax.process.machine import gpus
from ssl_jax.shard.cluster import Flags, Start, decide

FOUND_BY = {"gke": "gketpu", "tpu": "gcetpu"}
"""Where JAX has to ask for what `decide` cannot know; everywhere else it is told."""
IN_ORDER = "--xla_cpu_enable_concurrency_optimized_scheduler=false"
"""CPUs match the messages between processes by their order. What XLA lets run side by side comes in another on each,
and a ResNet's step breaks off. XLA hears of it by its environment only: as an option of `jit` it has no effect."""
_ROUNDS = itertools.count()
"""Names for what is exchanged: every process comes to the same exchanges in the same order."""


class Refused(ValueError):
    """What all processes refuse at the same time, so that all of them may leave by the door."""


def start(flags: Flags, *, patience: float, heartbeat: float, shutdown: float) -> None:
    """Joins the other processes if there are any, before JAX touches a device, and checks what devices came of it.

    patience, heartbeat, shutdown: seconds that others may take to start, to give a sign of life, and to end. Ends the
    process, by `exits.PEERS_MISSING`, if they do not.
    """
    how, seen, chips = _found(flags)
    if distributed.global_state.client or how is None:
        return
    if not seen and not chips:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {IN_ORDER}".strip()
    # `Together` takes its place: JAX's own listens from here on, forgets a signal that comes before the first step, and
    # is asked by Orbax under other numbers than ours.
    jax.config.update("jax_enable_preemption_service", False)
    with _patience(how, patience):
        jax.distributed.initialize(
            how.coordinator,
            how.count,
            how.index,
            list(how.devices) if how.devices else None,
            cluster_detection_method=FOUND_BY.get(how.by, "deactivate"),
            initialization_timeout=int(patience) + 60,  # JAX ends with a core dump; ours comes first, with a sentence
            heartbeat_timeout_seconds=int(heartbeat),
            shutdown_timeout_seconds=int(shutdown),
        )
    check_devices(how, seen)


def expected(flags: Flags) -> bool:
    """Whether this process is to be one of several, before they have joined."""
    return distributed.global_state.client is not None or _found(flags)[0] is not None


def _found(flags: Flags) -> tuple[Start | None, int, int]:
    """How to start, the GPUs and the TPU chips of this host."""
    seen = gpus(os.environ)
    chips = hardware_utils.num_available_tpu_chips_and_device_id()[0]
    return decide(os.environ, flags, chips=chips, gpus=seen), seen, chips


@contextlib.contextmanager
def _patience(how: Start, seconds: float) -> Iterator[None]:
    """Ends the process with one sentence unless the block ends in time: JAX waits in C++, where none can be raised."""

    def give_up():
        who = f"process {how.index} of {how.count}" if how.count else "this worker of the TPU"
        where = how.coordinator or "the TPU's coordinator"
        print(
            f"ssl-jax: {who} on {socket.gethostname()} waited {seconds:g} s at {where} for the other processes, which "
            "did not all come: start the same command on every host, or give them longer by --config.processes.start",
            file=sys.stderr,
            flush=True,
        )
        os._exit(exits.PEERS_MISSING)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def check_devices(how: Start, seen: int) -> None:
    """Raises ValueError where the devices are not those that the processes were started for."""
    backend, local = jax.default_backend(), jax.local_device_count()
    if how.by in FOUND_BY and backend != "tpu" or how.devices and backend == "cpu":
        extra = "tpu" if how.by in FOUND_BY else "cuda"
        raise ValueError(f"this host has accelerators and JAX runs on the {backend}: install ssl_jax[{extra}]")
    if how.devices and backend == "gpu" and local != len(how.devices):
        raise ValueError(f"this process should have {len(how.devices)} of the {seen} GPUs it sees, and has {local}")
    counts = Counter(device.process_index for device in jax.devices())
    if len(set(counts.values())) > 1 or len(counts) != jax.process_count():
        raise ValueError(f"the processes have unequally many devices, {dict(counts)}: start all in the same way")


def several() -> bool:
    """Whether this process is one of several."""
    return distributed.global_state.client is not None and distributed.global_state.num_processes > 1


def which() -> tuple[int, int]:
    """(Number of this process, how many there are), as the stream of batches wants them."""
    return jax.process_index(), jax.process_count()


def heard(text: str, *, seconds: float) -> list[str]:
    """What each process says, in their order; all of them come here equally often.

    Raises TimeoutError that names a process which does not within `seconds`.
    """
    if not several():
        return [text]
    client, count = distributed.global_state.client, jax.process_count()
    prefix = f"ssl_jax/heard/{next(_ROUNDS)}"
    client.key_value_set(f"{prefix}/{jax.process_index()}", text)
    said = [_value(client, f"{prefix}/{i}", seconds) for i in range(count)]
    if None in said:
        i = said.index(None)
        raise TimeoutError(f"process {i} of {count} did not come within {seconds:g} s to compare: look at its output")
    return said


def agree(values: dict[str, str], *, seconds: float) -> None:
    """Compares what all processes must have alike, such as the recipe; at once where there is one process.

    Raises Refused, on every process, that names the hosts that differ from most (from process 0 in a tie) and in
    what; TimeoutError that names a process which does not come here within `seconds`.
    """
    own = "\n".join([socket.gethostname(), *(f"{name}\t{value}" for name, value in sorted(values.items()))])
    said = heard(own, seconds=seconds)
    hosts, answers = zip(*(text.partition("\n")[::2] for text in said), strict=True)
    usual = Counter(answers).most_common(1)[0][0]
    wrong = [i for i, answer in enumerate(answers) if answer != usual]
    if wrong:
        i = wrong[0]
        more = f" (and {len(wrong) - 1} more)" if wrong[1:] else ""
        raise Refused(f"process {i} on {hosts[i]}{more} differs from the others: {_differences(answers[i], usual)}")


def _differences(one: str, usual: str) -> str:
    a, b = (dict(line.split("\t", 1) for line in text.split("\n") if line) for text in (one, usual))
    differing = [name for name in sorted({*a, *b}) if a.get(name) != b.get(name)]
    listed = [f"{name} is {a.get(name)} there and {b.get(name)} elsewhere" for name in differing[:3]]
    return "; ".join(listed) + ("; …" if differing[3:] else "")


@contextlib.contextmanager
def failing_alone() -> Iterator[None]:
    """Within it, an exception of one process of several ends that process at once.

    Python's own way out would wait at jax.distributed's shutdown for processes that wait in a collective for this one.
    The code is `exits.of` the error, or 1; the others end when this one's signs of life stop.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, Refused) or not several():
            raise
        code = exits.of(error)
        if code is not None and not os.environ.get("SSL_JAX_TRACEBACK"):
            print(f"ssl-jax: {error}", file=sys.stderr)
        else:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1 if code is None else code)


class Together:
    """Whether to stop after this step. Any process may be told; all processes get the same answer at the same step.

    The process that is told says so through the coordinator; each then says how often it has asked `reached`, and all
    stop at the first time that none of them has passed. A context manager, since it owns a thread where there are
    several processes.
    """

    EVERY = 1.0
    """Seconds between two looks at what the other processes say."""

    def __init__(self, *, seconds: float = 60.0):
        """seconds: how long the others may take to say where they are, before their silence is ignored."""
        self._told, self._closing, self._changed = threading.Event(), False, threading.Condition()
        self._asked, self._agreeing, self._last, self._seconds = 0, False, None, seconds
        self._thread = threading.Thread(target=self._listen, name="ssl_jax-stop", daemon=True)
        if several():
            self._client, self._prefix = distributed.global_state.client, f"ssl_jax/stop/{next(_ROUNDS)}"
            self._thread.start()

    def __enter__(self) -> "Together":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._told.set()
        if self._thread.ident is not None:
            self._thread.join()

    def set(self) -> None:
        """Tells this process, and through it the others, to stop; may be called in a handler of signals."""
        self._told.set()

    def reached(self) -> bool:
        """Whether to stop now; to be asked equally often by every process: once a step."""
        if self._thread.ident is None:
            return self._told.is_set()
        with self._changed:
            self._asked += 1
            self._changed.wait_for(lambda: not self._agreeing)
            return self._last is not None and self._asked >= self._last

    def _listen(self) -> None:
        others = f"{self._prefix}/told"
        while not self._told.wait(self.EVERY):
            if _value(self._client, others) is not None:
                break
        with self._changed:
            self._agreeing = not self._closing
            self._client.key_value_set(f"{self._prefix}/{jax.process_index()}", str(self._asked))
        if not self._agreeing:
            return
        self._client.key_value_set(others, "1", allow_overwrite=True)
        counts = [_value(self._client, f"{self._prefix}/{i}", self._seconds) for i in range(jax.process_count())]
        with self._changed:
            self._last = max(int(count or 0) for count in counts) + 1
            self._agreeing = False
            self._changed.notify_all()


def _value(client: object, key: str, seconds: float = 0.0) -> str | None:
    """What a process has said under `key`, within `seconds`; None where nothing was said."""
    try:
        return client.blocking_key_value_get(key, int(seconds * 1000)) if seconds else client.key_value_try_get(key)
    except jax.errors.JaxRuntimeError:
        return None
