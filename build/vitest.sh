#!/usr/bin/env bash
# vitest.sh NAME SCRIPT [-tally FILE]: runs a script of frontend/package.json that is Vitest, and counts its tests. A
# skipped test fails the run, as everywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1 script=$2
shift 2
result=$(mktemp)
trap 'rm -f "$result"' EXIT
status=0
(cd frontend && NO_COLOR=1 npm run --silent "$script" -- --reporter=default --reporter=json --outputFile.json="$result") </dev/null || status=$?
build/tools/bin/ledger vitest -name "$name" "$@" <"$result" || status=1
exit $status
