#!/usr/bin/env bash
# Runs a program of Deno that starts nodes and containers, sets up before what it needs, and sees to
# it that it ends in order whatever ends this shell. To be sourced by a script in the project's root:
#
#   source scripts/run_deno.sh
#   run_deno "deno docker etcd" PROGRAM.ts [ARGUMENT...]
#
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
run_deno_pid=""
run_deno_name=""

run_deno_finish() {
  local status=$?
  trap - EXIT INT TERM
  if [ -n "$run_deno_pid" ] && kill -TERM "$run_deno_pid" 2>/dev/null; then
    echo "$run_deno_name: stopping what was started"
    wait "$run_deno_pid" || true
  fi
  setup_stop
  exit "$status"
}

# run_deno PARTS PROGRAM [ARGUMENT...]
run_deno() {
  local parts=$1 program=$2 status=0
  shift 2
  run_deno_name=$(basename "$(dirname "$program")")
  trap run_deno_finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # shellcheck disable=SC2086 # several words
  setup $parts
  if [ ! -x dist/serverledge ]; then
    echo "$run_deno_name: building dist/serverledge"
    deno task --quiet build --target "$(uname -m)"
  fi
  # In a session of its own: Ctrl-C reaches this script only, which ends the rest in order.
  setsid deno run --quiet -A "$program" "$@" &
  run_deno_pid=$!
  wait "$run_deno_pid" || status=$?
  run_deno_pid=""
  exit "$status"
}
