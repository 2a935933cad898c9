#!/usr/bin/env bash
# An edge zone and a cloud region on this machine, under load of two classes; see README.md.
# Usage: examples/cluster/run.sh [--quick] [--out FOLDER] [POLICY...]
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
run_pid=""

finish() {
  local status=$?
  trap - EXIT INT TERM
  if [ -n "$run_pid" ] && kill -TERM "$run_pid" 2>/dev/null; then
    echo "cluster: stopping what was started"
    wait "$run_pid" || true
  fi
  setup_stop
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

setup deno docker etcd npm images
if [ ! -x dist/serverledge ]; then
  echo "cluster: building dist/serverledge"
  deno task --quiet build --target "$(uname -m)"
fi
# In a session of its own: Ctrl-C reaches this script only, which ends the rest in order.
setsid deno run --quiet -A examples/cluster/run.ts "$@" &
run_pid=$!
status=0
wait "$run_pid" || status=$?
run_pid=""
exit "$status"
