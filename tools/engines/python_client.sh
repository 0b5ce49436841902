#!/usr/bin/env bash
# The official Python client of Pulsar, pinned, in a virtual environment of the cache folder. Prints the path of that environment's python.
set -euo pipefail

version=3.13.0
certifi=2025.8.3 # the client's only requirement; pinned too
cache=${ACOPIO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/acopio}
place=$cache/python-pulsar-client-$version

if [[ ! -e $place/ready ]]; then
  mkdir -p "$cache"
  exec 9> "$cache/python-client.lock"
  flock 9
  if [[ ! -e $place/ready ]]; then
    rm -rf "$place"
    python3 -m venv "$place" >&2
    for attempt in 1 2 3; do
      if "$place/bin/python" -m pip install -q --disable-pip-version-check --no-input "pulsar-client==$version" "certifi==$certifi" >&2; then break; fi
      [[ $attempt -lt 3 ]] || { echo "python_client.sh: pulsar-client $version could not be installed" >&2; exit 1; }
    done
    "$place/bin/python" -c "import pulsar" >&2
    touch "$place/ready"
  fi
  exec 9>&-
fi
echo "$place/bin/python"
