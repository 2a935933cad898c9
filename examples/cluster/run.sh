#!/usr/bin/env bash
# An edge zone and a cloud region on this machine, under load of two classes; see README.md.
#
#   examples/cluster/run.sh [--quick] [POLICY...]
#
# Needs the program (dist/serverledge, or SERVERLEDGE=PATH) and etcd. Ports 7100 to 7106 must be free.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
serverledge="$(realpath "${SERVERLEDGE:-$here/../../dist/serverledge}")"
reports="$PWD/cluster-reports"
# Far more than a start takes.
WAIT_SECONDS=30

quick=()
[ "${1:-}" != --quick ] || { quick=(--duration 6 --warm-up 1) && shift; }
policies=("$@")
[ $# -gt 0 ] || policies=(default edgecloud qosaware)

stop_with() {
  printf 'cluster: %s\n' "$*" >&2
  exit 1
}
[ -x "$serverledge" ] || stop_with "there is no $serverledge: build it (deno task build), or set SERVERLEDGE=PATH"
command -v etcd >/dev/null || stop_with "etcd is missing: apt install etcd-server"

work="$(mktemp -d)"
declare -A running=()

finish() {
  local status=$?
  trap - EXIT
  [ "$status" = 0 ] || tail -n 3 "$work"/*.log >&2 || true
  local etcd="${running[etcd]:-}"
  unset "running[etcd]"
  end "${!running[@]}"
  # Last, since nodes deregister as they end.
  [ -z "$etcd" ] || { running[etcd]=$etcd && end etcd; }
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# begin NAME COMMAND...: runs a process in the background, its output in NAME.log.
begin() {
  local name=$1
  shift
  # In a session of its own: Ctrl-C reaches this script only, which ends the rest in order.
  setsid "$@" >"$work/$name.log" 2>&1 &
  running[$name]=$!
}

# end NAME...: ends processes and waits until they are gone.
end() {
  local name
  for name in "$@"; do kill "${running[$name]}" 2>/dev/null || true; done
  for name in "$@"; do
    wait "${running[$name]}" 2>/dev/null || true
    unset "running[$name]"
  done
}

# node NAME PORT COMMAND...: a node or balancer with a configuration of its own.
node() {
  local name=$1 port=$2
  shift 2
  begin "$name" "$serverledge" "$@" --port "$port" --set registry.node.id="$name-$$" \
    --set data.dir="$work/$name"
}

# eventually TEXT COMMAND...: repeats a command until its output holds the text.
eventually() {
  local text=$1 ends=$((SECONDS + WAIT_SECONDS)) output
  shift
  until output="$("$@" 2>&1)" && [[ "$output" == *"$text"* ]]; do
    [ "$SECONDS" -lt "$ends" ] || stop_with "no \"$text\" within $WAIT_SECONDS s of: ${*##*/}: $output"
    sleep 0.2
  done
}

echo "Starting etcd, two cloud nodes and their balancer ..."
begin etcd etcd --data-dir "$work/etcd" --listen-client-urls http://127.0.0.1:7100 \
  --advertise-client-urls http://127.0.0.1:7100 --listen-peer-urls http://127.0.0.1:7106
eventually '"health"' curl -sf http://127.0.0.1:7100/health
node cloud-1 7103 start "$here/cloud.yaml"
node cloud-2 7104 start "$here/cloud.yaml"
node lb 7105 lb "$here/cloud.yaml"
for port in 7103 7104; do eventually Node curl -sf "http://127.0.0.1:$port/status"; done
"$serverledge" create nap --port 7103 --runtime deno --src "$here/nap.ts" --handler nap --memory 64 >"$work/create.log"
for port in 7103 7104; do
  eventually nap "$serverledge" list --port "$port"
  "$serverledge" prewarm nap --count 8 --port "$port" >>"$work/create.log"
done

for policy in "${policies[@]}"; do
  printf '\n== %s\n' "$policy"
  node edge-1 7101 start "$here/edge.yaml" --set scheduler.policy="$policy"
  node edge-2 7102 start "$here/edge.yaml" --set scheduler.policy="$policy"
  for port in 7101 7102; do
    eventually nap "$serverledge" list --port "$port"
    "$serverledge" prewarm nap --count 4 --port "$port" >>"$work/create.log"
    # Each sees its neighbour and the balancer of the cloud.
    eventually CLOUD "$serverledge" nodes --port "$port"
  done
  mkdir -p "$reports"
  "$serverledge" bench --port 7101 --scenario "$here/load.yaml" "${quick[@]}" \
    --html "$reports/${policy##*/}.html" || [ $? = 2 ]
  end edge-1 edge-2
done
printf '\nReports with plots: %s\n' "$reports"
