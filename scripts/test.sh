#!/usr/bin/env bash
# Builds what the tests need once (a real kube-apiserver, outside the tree), then runs them all.
# Further arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -x tests/kube/setup.sh ]; then
  tests/kube/setup.sh </dev/null ||
    echo "test: no kube-apiserver here (see above); the tests that need it are skipped and say so" >&2
fi
exec .venv/bin/python -m pytest -q -n 2 "$@" </dev/null
