#!/usr/bin/env bash
# Measures the reference shape in every kind, into the record behind README's table and BENCHMARKS.md:
#     bench/linear.sh [PROGRAM [RECORD]]
# Takes twenty minutes on two cores, and a few gigabytes of memory (a request of a million rows). Nothing else should run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${1:-target/release/privet}
record=${2:-docs/bench/lr528-keras.json}
model=models/lr528-keras
PRIVET_COMMIT=${PRIVET_COMMIT:-$(git rev-parse --short HEAD)}
export PRIVET_COMMIT

measure() {
    "$program" bench "$model/model.onnx" --rows "$model/rows.npz" --json "$record" --resume "$@" >/dev/null
}

rm -f "$record"
measure --batch-sizes 1,16,128,1024,8192,65536
measure --accuracy 1e-3 --batch-sizes 1,1024,8192
measure --accuracy 1e-3 --batch-sizes 1,1024,8192 --reveal probability
measure --accuracy 1e-5 --batch-sizes 1,16,128,1024,8192
measure --concurrency 4,16 --batch-sizes 1,128
measure --networks lan,wan --batch-sizes 1,1024 --repeats 40
measure --kinds plain,mpc --batch-sizes 1000000 --repeats 5
