# shellcheck shell=bash
# Sourced by the demo's programs: a temporary folder, the programs that run in it, and their end.

STAGE_PREFIX=${TMPDIR:-/tmp}/sheetbridge-demo.

# The end comes in this order: who depends on another goes first.
CAST=(page daemon emulator database)

say() { printf '%s\n' "$*"; }

# Makes the folder. From here on every way out of this shell ends the programs and removes it.
open_stage() {
  STAGE=$(mktemp -d "${STAGE_PREFIX}XXXXXX")
  mkdir "$STAGE/running"
  trap '[ -z "${KEEP_LOGS:-}" ] || cp "$STAGE"/*.log "$KEEP_LOGS"/; close_stage "$STAGE"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# start ROLE COMMAND...: in a session of its own, so that Ctrl-C reaches this shell only and the end has an order.
start() {
  local role=$1
  shift
  DEMO_STAGE=$STAGE setsid "$@" >"$STAGE/$role.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$STAGE/running/$role"
}

# stop FOLDER ROLE: asks, waits up to fifteen seconds, then insists.
stop() {
  local mark=$1/running/$2 pid tries
  [ -e "$mark" ] || return 0
  pid=$(cat "$mark")
  # Of a demo that was killed long ago the number may belong to a stranger by now.
  grep -qsz "^DEMO_STAGE=$1\$" "/proc/$pid/environ" || { rm -f "$mark"; return 0; }
  kill -s TERM "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 150; tries++)); do
    runs "$pid" || break
    sleep 0.1
  done
  kill -s KILL -- "-$pid" 2>/dev/null || true
  rm -f "$mark"
}

close_stage() {
  local role
  trap '' INT TERM HUP
  for role in "${CAST[@]}"; do
    stop "$1" "$role"
  done
  rm -rf "$1"
}

# A zombie whose parent has not looked yet is as good as gone.
runs() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }

# The first role whose program has ended by itself, if any.
fallen() {
  local role
  for role in "${CAST[@]}"; do
    if [ -e "$STAGE/running/$role" ] && ! runs "$(cat "$STAGE/running/$role")"; then
      printf '%s\n' "$role"
      return 0
    fi
  done
  return 1
}

# wait_until SECONDS COMMAND...: until the command succeeds. Fails when the time is up or a program has ended.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if fallen >/dev/null || [ "$SECONDS" -ge "$end" ]; then
      return 1
    fi
    sleep 0.05
  done
}

# give_up WHAT: says what went wrong, and the last words of the program that fell or of the daemon.
give_up() {
  local role
  role=$(fallen || printf 'daemon')
  say "$1"
  if [ -s "$STAGE/$role.log" ]; then
    say "the last words of the $role:"
    tail -n 20 "$STAGE/$role.log"
  fi
  exit 1
}

# A port on 127.0.0.1 that nobody listens on, below those that Linux gives to outgoing connections.
free_port() {
  local port
  for port in $(shuf -i 12000-31999 -n 100); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s\n' "$port"
      return
    fi
  done
  return 1
}
