#!/usr/bin/env bash
# What the benchmark compares us with: kubectl, and Ansible in an environment of its own. Where one cannot be had, the
# benchmark says so and measures the rest. Further arguments go to it (make bench ARGS="--only thousand -o json").
set -euo pipefail
cd "$(dirname "$0")/.."
tests/kube/setup.sh </dev/null >&2
command -v kubectl >/dev/null || scripts/packages.sh kubernetes-client >&2 || true
ansible=.work/ansible
if [ -z "${BENCH_ANSIBLE:-}" ]; then
  mkdir -p .work
  [ -x "$ansible/bin/ansible-playbook" ] || {
    .venv/bin/python -m venv "$ansible" && "$ansible/bin/pip" install -q ansible kubernetes
  } >.work/ansible.log 2>&1 || echo "bench: Ansible could not be installed, see .work/ansible.log" >&2
  export BENCH_ANSIBLE=$PWD/$ansible/bin/ansible-playbook
fi
exec .venv/bin/python -m tests.bench "$@" </dev/null
