#!/usr/bin/env bash
# Benchmarks: scripts/bench.sh [SUITE|SUITE/BENCHMARK...] [--json FILE]. Sets up what it needs, builds the binaries
# of this tree, and measures them with the whole machine for itself, load generator included.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
trap setup_stop EXIT
setup deno docker etcd wrk wasi npm images
deno task --quiet build
deno run --quiet -A scripts/bench/main.ts "$@"
