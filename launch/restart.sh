# restarted COMMAND...: runs it, and up to RETRIES times again after a failure that may pass; gives its last code.
# A machine that goes away tells this shell, and it tells the command, which saves and ends: `going` is 1 then.
PAUSE=${PAUSE:-10}
child= going=
trap 'going=1; [ -n "$child" ] && kill -TERM "$child"' TERM INT
restarted() {
  local try code
  for ((try = 0; ; try++)); do
    [ -n "$going" ] && return 0
    "$@" &
    child=$!
    [ -n "$going" ] && kill -TERM "$child" # the signal came before the line above
    code=
    while [ -z "$code" ]; do # a signal ends `wait` before the command has ended
      wait "$child"
      code=$?
      kill -0 "$child" 2>/dev/null && code=
    done
    child=
    case $code in 0 | 2 | 3) return "$code" ;; esac # over; 2 and 3: no use without a person
    if [ -n "$going" ] || [ "$try" -ge "$RETRIES" ]; then return "$code"; fi
    echo "[restart $(date -u +%H:%M:%S)] code $code; start $((try + 2)) of $((RETRIES + 1)) in $PAUSE s"
    sleep "$PAUSE"
  done
}
