# Runs as root on every worker of a TPU at every boot, hence again after a reboot and on the TPU that follows a
# preempted one. Above it are restart.sh and the values of COMMAND (an array), RETRIES and STAGE, the gs:// folder with
# files/code.tar.gz and, where the recipe is a file, that file.
ROOT=${ROOT:-/opt/ssl_jax}
METADATA=${METADATA:-http://metadata.google.internal/computeMetadata/v1/instance/attributes}
set -u -o pipefail
mkdir -p "$ROOT"
exec >>"$ROOT/run.log" 2>&1

say() { echo "[startup $(date -u +%H:%M:%S)] $*"; }
attribute() { curl -sf -H Metadata-Flavor:Google "$METADATA/$1"; }
persist() { # persist COMMAND...: five tries, since networks and buckets fail for a moment
  for try in 1 2 3 4 5; do
    "$@" && return 0
    say "try $try of 5 failed: $*"
    sleep "$PAUSE"
  done
  return 1
}
worker=$(attribute agent-worker-number || echo 0)
slice=$(attribute tpu-env | sed -n "s/^MEGASCALE_SLICE_ID: *'\{0,1\}\([0-9]*\)'\{0,1\}.*/\1/p")
me="${slice:-0}-$worker"
report() { # report CODE: where the launcher looks; the run is over for this worker
  say "ends with code $1"
  echo "$me $1" >"$ROOT/exit"
  persist gcloud storage cp "$ROOT/exit" "$STAGE/exits/$me"
  exit "$1"
}

if [ -e "$ROOT/exit" ]; then
  say "the run is over on this worker: $(cat "$ROOT/exit")"
  exit 0
fi
say "worker $me: ${COMMAND[*]}"
if [ ! -e "$ROOT/installed" ]; then
  persist gcloud storage cp --recursive "$STAGE/files/*" "$ROOT" || report 1
  mkdir -p "$ROOT/code" && tar -xzf "$ROOT/code.tar.gz" -C "$ROOT/code" || report 1
  # The images' own Python is too old; uv brings one.
  persist python3 -m pip install -q uv || report 1
  persist python3 -m uv venv -q --clear --python 3.12 "$ROOT/venv" || report 1
  persist python3 -m uv pip install -q --python "$ROOT/venv/bin/python" "$ROOT/code[tpu]" || report 1
  touch "$ROOT/installed"
fi
export PATH="$ROOT/venv/bin:$PATH"

restarted "${COMMAND[@]}"
code=$?
if [ -n "$going" ]; then
  say "this machine is going away; the run goes on when it is back"
  exit 0
fi
report "$code"
