#!/usr/bin/env bash
# Runs the suite against the service with each of its defects, which must make
# it broken: an instrument that cannot see a defect is none. The service is put
# right again in the end.
set -uo pipefail
cd "$(dirname "$0")/.."

lab() { (cd lab && go run ./cmd/lab "$@"); }
trap 'lab deploy --defect none' EXIT

wrong=0
for defect in no-readiness one-replica; do
  lab deploy --defect "$defect" || exit 1
  bin/aftershock run -f lab/aftershock.yaml --label-filter pods
  code=$?
  if [ "$code" = 1 ]; then
    echo "ok: $defect is broken"
  else
    echo "WRONG: $defect ended with exit code $code, want 1 (broken)"
    wrong=$((wrong + 1))
  fi
done
[ "$wrong" = 0 ]
