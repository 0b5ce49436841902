#!/usr/bin/env bash
# Installs what is missing, builds, runs every test. The last line says how many passed and how many failed, and how many were left out if any
# were (with CI=true those that this machine could run count as failed).
#   ./test.sh               everything, as CI runs it
#   ./test.sh --quick       one build (release), no sanitizers, no clang-tidy, few crash rounds
#   ./test.sh --no-engines  without the tests that need a real Pulsar broker (which is fetched and started otherwise, on 127.0.0.1)
#   ./test.sh --only NAME   one of the steps of tools/run_tests.py (--list shows them)
set -euo pipefail
cd "$(dirname "$0")"
tools/install.sh
exec python3 tools/run_tests.py "$@"
