#!/usr/bin/env bash
# The experiments: scripts/experiments/run.sh [--quick] [--out FOLDER] [NAME...]; see README.md.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/run_deno.sh
source scripts/run_deno.sh
run_deno "deno docker etcd wasi npm images" scripts/experiments/main.ts "$@"
