#!/usr/bin/env bash
# An edge zone and a cloud region on this machine, under load of two classes; see README.md.
# Usage: examples/cluster/run.sh [--quick] [--out FOLDER] [POLICY...]
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/run_deno.sh
source scripts/run_deno.sh
run_deno "deno docker etcd npm images" examples/cluster/run.ts "$@"
