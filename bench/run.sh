#!/usr/bin/env bash
# Builds the release and the bench programs, measures, and prints a table in Markdown. About an hour; with --quick about five minutes.
#   bench/run.sh [--quick] [--runs N] [--only PART] [--directory DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
echo "building (release) ..." >&2
cmake --preset release > build/bench-cmake.log 2>&1 || { cat build/bench-cmake.log >&2; exit 1; }
ninja -C build/release acopio bench_load bench_reference_server > build/bench-ninja.log 2>&1 || { tail -50 build/bench-ninja.log >&2; exit 1; }
exec python3 bench/run.py --programs build/release/bin "$@"
