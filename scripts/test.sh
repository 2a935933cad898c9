#!/usr/bin/env bash
# Sets up all that the tests need, runs them all, and stops what it started.
# The last line is "N passed, N failed"; the exit status is 0 only if something ran and nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

# Longest run of one test file: far more than any takes, so that a hang differs from slowness.
FILE_SECONDS=240
# All of it, from the first line of this script to its last.
TOTAL_SECONDS=2400
ENDS=$((EPOCHSECONDS + TOTAL_SECONDS))
# Files of tests that run at the same time: most of them mostly wait.
LANES=2
# Measure memory, and turns of tens of MiB, which other tests would disturb by taking the processors and their
# caches from the node under test.
ALONE=(tests/binary/leaks_test.ts tests/cluster/signed_bodies_test.ts)
[ -t 1 ] || export NO_COLOR=1

passed=0
failed=0
reports="$(mktemp -d)"

finish() {
  setup_stop
  rm -rf "$reports"
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
  # Without a value, the exit status would be that of before the trap.
  exit $?
}
trap finish EXIT
trap 'failed=$((failed + 1)); exit' INT TERM

# step NAME COMMAND...: a step that is not itself a test counts only when it fails.
step() {
  local name=$1 began=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then
    printf '== %s: ok after %s s\n' "$name" $((SECONDS - began))
  else
    printf '== %s: FAILED after %s s\n' "$name" $((SECONDS - began))
    return 1
  fi
}

required() { step "$@" || { failed=$((failed + 1)); exit; }; }

optional() { step "$@" || failed=$((failed + 1)); }

# tests NAME ARGUMENT...: runs `deno test` and adds up what its report says, steps of tests included.
tests() {
  local name=$1 report status=0 totals=0 bad=0 skipped=0 began=$SECONDS
  local bound=$((ENDS - EPOCHSECONDS))
  shift
  report="$(mktemp -p "$reports")"
  [ "$bound" -gt "$FILE_SECONDS" ] && bound=$FILE_SECONDS
  if [ "$bound" -gt 0 ]; then
    timeout --kill-after=10 "$bound" deno test --junit-path="$report" "$@" || status=$?
  else
    status=124
  fi
  [ "$status" = 124 ] && echo "$name: stopped after $bound s"
  if [ -s "$report" ]; then
    totals="$(attribute tests "$report")"
    bad=$(($(attribute failures "$report") + $(attribute errors "$report")))
    skipped="$(grep -c '<skipped' "$report")"
  fi
  # A file that cannot even be loaded, or a run that hangs, is in no report.
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
    bad=1
    totals=$((totals + 1))
  fi
  passed=$((passed + totals - bad - skipped))
  failed=$((failed + bad))
  printf '%s: %s passed, %s failed, %s skipped, %s s\n' \
    "$name" $((totals - bad - skipped)) "$bad" "$skipped" $((SECONDS - began))
  return "$status"
}

# A process of its own for each file, so that one that hangs does not take the others with it. Types
# are checked by the gate.
real_tests() {
  export -f tests attribute test_file
  export reports ENDS FILE_SECONDS
  : >"$reports/counts"
  find tests -name '*_test.ts' | sort | grep -vxF "$(printf '%s\n' "${ALONE[@]}")" |
    xargs -P "$LANES" -I FILE bash -c 'test_file FILE'
  local status=$? good bad file
  for file in "${ALONE[@]}"; do test_file "$file" || status=1; done
  while read -r good bad; do
    passed=$((passed + good))
    failed=$((failed + bad))
  done <"$reports/counts"
  return "$status"
}

# test_file FILE: what it prints stays together, and its counts go to a file, since lanes share no variables.
test_file() {
  local log status=0 passed=0 failed=0
  log="$(mktemp -p "$reports")"
  tests "$1" --quiet --no-check -A "$1" </dev/null >"$log" 2>&1 || status=1
  {
    flock 9
    cat "$log"
    echo "$passed $failed" >>"$reports/counts"
  } 9>"$reports/lock"
  return "$status"
}

# Its output is of interest only where something went wrong.
quickstart_without_docker() {
  local output
  output="$(timeout 120 bash scripts/quickstart.sh --no-docker 2>&1)" || {
    printf '%s\n' "$output"
    return 1
  }
}

attribute() { sed -n "s/.*<testsuites[^>]* $1=\"\([0-9]*\)\".*/\1/p" "$2" | head -n 1; }

required "set-up" setup deno docker etcd network clock qemu wasi systemd generators npm images
required "dependencies as locked" deno install --quiet --frozen
optional "format, lint, types, docs, layers" deno task --quiet check
step "unit tests" tests "unit tests" --quiet --parallel --no-check lib policies scripts
required "build" deno task --quiet build
export SERVERLEDGE_BINARY="$PWD/dist/serverledge-$(uname -m)"
step "tests against real containers, etcd and binaries" real_tests
optional "quickstart without Docker" quickstart_without_docker
