#!/usr/bin/env bash
# From a fresh checkout to invoked functions: sets up what is missing, builds the binary, starts a
# node, creates functions in TypeScript and WebAssembly, in Python, in Node.js and as a custom image,
# invokes each with the command line and with curl, synchronously and asynchronously, and leaves
# nothing running. The exit status is 0 only if every response was the expected one.
#
#   scripts/quickstart.sh [--no-docker]
#
# Where there is no Docker engine and none can be started, or with --no-docker, it goes on without:
# functions in TypeScript and WebAssembly need none.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

# Far more than a start or an async invocation takes.
WAIT_SECONDS=30

docker=yes
case "${1:-}" in
  "") ;;
  --no-docker) docker="" ;;
  *)
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 1
    ;;
esac

# The program: built here, unless it is built already.
built="${SERVERLEDGE_BINARY:-}"
unset SERVERLEDGE_BINARY # It would be taken for a setting of the node.
serverledge="${built:-dist/serverledge}"
custom_image="serverledge/quickstart-custom:$$"
work="$(mktemp -d)"
node_pid=""
wrong=0

finish() {
  local status=$?
  trap - EXIT
  say_step "cleaning up"
  if [ -n "$node_pid" ]; then
    kill "$node_pid" 2>/dev/null
    wait "$node_pid" 2>/dev/null
  fi
  [ -z "$docker" ] || docker image rm "$custom_image" >/dev/null 2>&1
  setup_stop
  [ "$status" = 0 ] || tail -n 20 "$work/node.log" 2>/dev/null
  rm -rf "$work"
  if [ "$status" = 0 ]; then
    echo "quickstart: every response was as expected; nothing is left running"
    echo "quickstart: to go on in this shell: source .tools/env"
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say_step() { printf '\n== %s\n' "$*"; }

stop_with() {
  printf 'quickstart: %s\n' "$*" >&2
  exit 1
}

# show COMMAND...: prints a command and its output, and keeps the output in $answer. Docker's classic
# builder, which every engine has, writes each time that it is deprecated.
show() {
  printf '$ %s\n' "$(shown "$@")"
  local status=0
  answer="$(set -o pipefail; "$@" 2>&1 | sed '/^DEPRECATED:/,/^$/d')" || status=$?
  printf '%s\n' "$answer"
  if [ "$status" != 0 ]; then
    wrong=$((wrong + 1))
    echo "quickstart: it ended with status $status"
  fi
}

shown() {
  local word
  for word in "$@"; do
    case "$word" in
      *[\ \{\"]*) printf "'%s' " "$word" ;;
      *) printf '%s ' "$word" ;;
    esac
  done
}

expect() {
  case "$answer" in
    *"$1"*) ;;
    *)
      wrong=$((wrong + 1))
      printf 'quickstart: the output does not contain "%s"\n' "$1"
      ;;
  esac
}

# eventually TEXT COMMAND...: repeats a command until its output holds the text.
eventually() {
  local text=$1 tries=$((WAIT_SECONDS * 5)) output
  shift
  until output="$("$@" 2>/dev/null)" && [[ "$output" == *"$text"* ]]; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ] || ! kill -0 "$node_pid" 2>/dev/null; then return 1; fi
    sleep 0.2
  done
}

# try FUNCTION PARAMETER VALUE EXPECTED: all four ways to invoke it.
try() {
  local function=$1 parameter=$2 value=$3 expected=$4 body id
  body="{\"Params\":{\"$parameter\":\"$value\"}}"
  say_step "$function: synchronously"
  show "$serverledge" invoke -f "$function" -p "$parameter:$value"
  expect "$expected"
  show curl -sS --data "$body" "$url/invoke/$function"
  expect "$expected"

  say_step "$function: asynchronously"
  show "$serverledge" invoke -f "$function" -p "$parameter:$value" --async --json
  expect ReqId
  id="$(request_id)"
  eventually "$expected" "$serverledge" poll --request "$id"
  show "$serverledge" poll --request "$id"
  expect "$expected"
  show curl -sS --data "${body%\}},\"Async\":true}" "$url/invoke/$function"
  expect ReqId
  id="$(request_id)"
  eventually "$expected" curl -sS "$url/poll/$id"
  show curl -sS "$url/poll/$id"
  expect "$expected"
}

request_id() { sed -n 's/.*"ReqId": *"\([^"]*\)".*/\1/p' <<<"$answer"; }

say_step "set-up"
setup deno npm && need curl curl || stop_with "the set-up failed"
if [ -n "$docker" ] && ! setup docker; then
  echo "quickstart: there is no Docker engine: continuing without one"
  docker=""
fi
if [ -n "$docker" ]; then
  setup images || stop_with "there are no images for Python and Node.js"
else
  # Also where an engine is running: this is what it is like without.
  export DOCKER_HOST="unix://$work/no-docker.sock"
fi

if [ -z "$built" ]; then
  say_step "build"
  deno task --quiet build --target "$(uname -m)" || stop_with "the build failed"
fi

say_step "WebAssembly module"
# shellcheck disable=SC2054 # One option holds a comma.
compile=(clang --target=wasm32 -Os -nostdlib "-Wl,--no-entry,--strip-all")
if has clang && "${compile[@]}" -o "$work/hello.wasm" examples/hello/hello.c 2>/dev/null; then
  echo "\$ ${compile[*]} -o $work/hello.wasm examples/hello/hello.c"
else
  echo "clang with wasm-ld is missing: using the prebuilt module."
  base64 --decode examples/hello/hello.wasm.base64 >"$work/hello.wasm"
  echo "\$ base64 --decode examples/hello/hello.wasm.base64 >$work/hello.wasm"
fi

say_step "node"
port="$(deno eval 'const l=Deno.listen({port:0,hostname:"127.0.0.1"});console.log(l.addr.port)')"
export SERVERLEDGE_HOST=127.0.0.1 SERVERLEDGE_PORT="$port"
url="http://127.0.0.1:$port"
echo "\$ $serverledge start --port $port &"
SERVERLEDGE_DATA_DIR="$work/data" "$serverledge" start --port "$port" >"$work/node.log" 2>&1 &
node_pid=$!
eventually "" curl -sSf "$url/healthz" || stop_with "the node did not start"
cat "$work/node.log"

say_step "functions"
show "$serverledge" create -f hello-deno --runtime deno --handler hello.ts \
  --memory 128 --src examples/hello/hello.ts
show "$serverledge" create -f hello-wasm --runtime wasm --memory 32 --src "$work/hello.wasm"
if [ -n "$docker" ]; then
  show "$serverledge" create -f hello-python --runtime python --handler hello.handler \
    --memory 128 --src examples/hello/hello.py
  show "$serverledge" create -f hello-nodejs --runtime nodejs --handler hello \
    --memory 128 --src examples/hello/hello.js
  show env DOCKER_BUILDKIT=0 docker build --quiet --tag "$custom_image" \
    --build-arg "BASE=$SERVERLEDGE_RUNTIMES_PYTHON_IMAGE" examples/custom-image
  show "$serverledge" create -f words --runtime custom --custom_image "$custom_image" --memory 128
fi
show "$serverledge" list
expect hello-deno
expect hello-wasm

try hello-deno name Edsger "Hello, Edsger!"
try hello-wasm name Barbara "Hello, Barbara!"
if [ -n "$docker" ]; then
  try hello-python name Ada "Hello, Ada!"
  try hello-nodejs name Grace "Hello, Grace!"
  try words text "a decentralized runtime" "decentralized"
fi

say_step "status"
show "$serverledge" status
[ -n "$docker" ] || expect "Docker does not respond"

[ "$wrong" = 0 ] || stop_with "$wrong responses were not as expected"
