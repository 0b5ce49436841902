#!/usr/bin/env bash
# Installs with apt what the build and the tests need and this machine lacks. Quick when nothing is missing. Debian 12, root or sudo.
set -euo pipefail

packages=(
  clang-19 clang-tidy-19 clang-format-19 lld-19 llvm-19 libclang-rt-19-dev ccache ninja-build cmake pkg-config python3 python3-yaml
  libboost1.81-dev libssl-dev protobuf-compiler libprotobuf-dev liblz4-dev libzstd-dev libsnappy-dev libisal-dev libxxhash-dev zlib1g-dev libsqlite3-dev libjemalloc-dev libspdlog-dev libcli11-dev prometheus-cpp-dev
  libsimdjson-dev libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev
  ca-certificates curl git zstd shellcheck
  openjdk-17-jre-headless maven python3-venv openssl
)

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == "install ok installed" ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || { echo "tools/install.sh: these packages are missing and need root to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for attempt in 1 2 3; do
  if "${as_root[@]}" apt-get update -qq >"$log" 2>&1 && "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    exit 0
  fi
  echo "apt-get failed (attempt $attempt of 3)" >&2
done
tail -n 20 "$log" >&2
exit 1
