#!/usr/bin/env bash
# Builds what the tests need once (a real kube-apiserver, outside the tree), then runs them all.
# Further arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -x tests/kube/setup.sh ]; then
  tests/kube/setup.sh </dev/null ||
    echo "test: no kube-apiserver here (see above); the tests that need it are skipped and say so" >&2
fi
# Proxies of several meshes run side by side here, and each of their files has a watcher; 128 are few for that.
if [ -w /proc/sys/fs/inotify/max_user_instances ]; then
  [ "$(cat /proc/sys/fs/inotify/max_user_instances)" -ge 1024 ] ||
    echo 1024 2>/dev/null >/proc/sys/fs/inotify/max_user_instances || true
fi
exec .venv/bin/python -m pytest -q -n 2 "$@" </dev/null
