#!/usr/bin/env bash
# One accelerator put to the question, in at most eight minutes: the steps of large networks beside torch, their memory,
# the laws that a device can break, the quickstart and an export.
#
#   benchmarks/device.sh [RESULT.json]        by default benchmarks/results/device.json
#
# PYTHON: the interpreter, python3 if unset. PARTS: which parts, all if unset. SIZES=tiny: what a CPU can do in a minute
# or two, to test this script; so it is where there is no NVIDIA GPU. COMMIT: where the tree is no git repository.
# KEEP: a folder for the compiled steps.
# Every part runs, whatever became of those before it; what failed is listed at the end, and the exit code is then 1.
set -u
cd "$(dirname "$0")/.."
result=$(realpath -m "${1:-benchmarks/results/device.json}")
PYTHON=${PYTHON:-python3}
SIZES=${SIZES:-$(command -v nvidia-smi >/dev/null && echo full || echo tiny)}
ALL="machine resnet50 torch_resnet50 vit_b_16 torch_vit_b_16 laws compiled_resnet50 compiled_vit_b_16 quickstart export"
PARTS=${PARTS:-$ALL}
LIMIT=${LIMIT:-480}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONUNBUFFERED=1 TF_CPP_MIN_LOG_LEVEL=3
export COMMIT=${COMMIT:-$(git describe --always --dirty 2>/dev/null)}

# The tree as a package, installed or not: ssl_jax.configs and ssl_jax.launch lie beside ssl_jax in it.
mkdir -p "$work/path/ssl_jax"
ln -s "$PWD"/ssl_jax/* "$PWD/configs" "$PWD/launch" "$work/path/ssl_jax/"
export PYTHONPATH="$work/path:$PWD${PYTHONPATH:+:$PYTHONPATH}"

if [ "$SIZES" = tiny ]; then
  export JAX_PLATFORMS=cpu
  resnet=(tiny_resnet --batches=4) vit=(tiny_vit --batches=4) short=(--seconds=0.02) changes=("--config.duration=2 steps" --config.evaluation.final=none)
  torch=(--device=cpu) both=--batches=4 laws=(-k "what_a_cpu_does and mae") workers=0
else
  export XLA_PYTHON_CLIENT_MEM_FRACTION=0.92 SSL_JAX_TESTS_ON=cuda
  both=--batches=64,256 short=(--seconds=0.5) changes=()
  resnet=(resnet50 "$both") vit=(vit_b_16 "$both") torch=(--device=cuda) laws=(-k "not mesh") workers=14
fi

has() { "$PYTHON" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"; }

# part NAME SECONDS NEEDED COMMAND...: runs it where the module NEEDED is, and notes how it went.
part() {
  local name=$1 seconds=$2 needed=$3 begin=$SECONDS code=0
  shift 3
  [[ " $PARTS " == *" $name "* ]] || return 0
  echo "== $name"
  if ! has "$needed"; then
    echo "left out: $PYTHON has no $needed"
    printf '%s\tleft out: no %s\t0\n' "$name" "$needed" >>"$work/parts"
    return 0
  fi
  local left=$((LIMIT - SECONDS))
  if [ "$left" -lt 5 ]; then
    code="not begun: the ${LIMIT} s are over"
    echo "$code"
  else
    timeout -s INT -k 10 $((seconds < left ? seconds : left)) "$@" > >(tee "$work/$name.log") 2>&1 || code=$?
  fi
  printf '%s\t%s\t%s\n' "$name" "$code" $((SECONDS - begin)) >>"$work/parts"
}

torch() { # NAME SECONDS CASE FLAGS...
  local name=$1 seconds=$2 case=$3
  shift 3
  [ "$SIZES" = tiny ] && case=tiny_vit
  part "$name" "$seconds" torch "$PYTHON" benchmarks/step_torch.py "${torch[@]}" ${both:+"$both"} "--cases=$case" "${short[@]}" \
    "--json=$work/$name.json" "$@"
}

part machine 60 jax "$PYTHON" benchmarks/device.py machine "$work/machine.json"
part resnet50 160 jax "$PYTHON" benchmarks/step_device.py "${resnet[@]}" "${short[@]}" "--json=$work/resnet50.json" \
  ${KEEP:+"--text=$KEEP/resnet50.txt"}
torch torch_resnet50 60 resnet50
part vit_b_16 120 jax "$PYTHON" benchmarks/step_device.py "${vit[@]}" "${short[@]}" "--json=$work/vit_b_16.json" \
  ${KEEP:+"--text=$KEEP/vit_b_16.txt"}
torch torch_vit_b_16 60 vit_b_16
# Law tests of several processes share the device: none takes more memory than it needs. Purity is the trace's alone.
part laws 180 pytest env XLA_PYTHON_CLIENT_PREALLOCATE=false SSL_JAX_LAWS="$work/laws.jsonl" "$PYTHON" -m pytest -vv \
  tests/laws/test_device.py tests/laws/test_resume.py "${laws[@]}" -n "$workers" -p no:benchmark
torch compiled_resnet50 90 resnet50 --compile
torch compiled_vit_b_16 60 vit_b_16 --compile
part quickstart 120 tensorflow "$PYTHON" -m ssl_jax train --config=quickstart "--workdir=$work/run" "${changes[@]}"
part export 60 tensorflow "$PYTHON" -m ssl_jax export "--workdir=$work/run" --to=safetensors "--out=$work/e.safetensors"
[ -f "$work/run/result.json" ] && cp "$work/run/result.json" "$work/quickstart.json"

echo "== all"
"$PYTHON" benchmarks/device.py join "$work" "$result"
