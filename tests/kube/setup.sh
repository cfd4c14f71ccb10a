#!/usr/bin/env bash
# Build a genuine kube-apiserver (Kubernetes 1.20.2) from Debian's own source package,
# and fetch etcd.  Installs nothing system-wide, needs no root; about 3 minutes, once.
# The compiler is Go 1.15 of bullseye, the one this Kubernetes was written for: built
# with bookworm's Go 1.19 the server runs, but loses empty-string defaults of CRDs.
#   setup.sh [BINDIR]    -> BINDIR/kube-apiserver, BINDIR/etcd
# BINDIR is by default a cache folder named after the content of this recipe, where the
# tests look for it; with KUBEBUILDER_ASSETS set the tests use that folder and this does nothing.
# Environment:
#   KAPI_WORK     scratch folder (default: a temporary one, removed at the end; ~2.5 GiB)
#   KAPI_MIRROR   Debian mirror (default: the one this machine's apt is set up with)
#   KAPI_KCM=1    build kube-controller-manager too (namespace deletion, GC, ...)
# Needs: apt-get, dpkg, tar, gzip, xz, coreutils, flock (any Debian; amd64 or arm64).
set -euo pipefail
if [ $# -eq 0 ] && [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  [ -x "$KUBEBUILDER_ASSETS/kube-apiserver" ] && [ -x "$KUBEBUILDER_ASSETS/etcd" ] && exit 0
  echo "setup.sh: KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS holds no kube-apiserver and etcd" >&2; exit 1
fi
recipe=$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-12)
BIN=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/mesh-reconciler/kube-$recipe}
want="kube-apiserver"; [ "${KAPI_KCM:-}" = 1 ] && want="$want kube-controller-manager"
is_there() { for b in etcd $want; do [ -x "$BIN/$b" ] || return 1; done; }
is_there && exit 0
mkdir -p "$BIN"; BIN=$(cd "$BIN" && pwd)
for tool in apt-get dpkg tar flock; do
  command -v $tool >/dev/null || { echo "setup.sh: no $tool here: the recipe needs a Debian machine; or set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd" >&2; exit 1; }
done
exec 9>"$BIN/.lock"; flock 9  # two builds at once would be twice as slow
is_there && exit 0

if [ -n "${KAPI_WORK:-}" ]; then mkdir -p "$KAPI_WORK"; W=$(cd "$KAPI_WORK" && pwd)
else W=$(mktemp -d); trap 'chmod -R u+w "$W"; rm -rf "$W"' EXIT; fi
say() { echo "[$(date +%T)] $*"; }
say "building kube-apiserver into $BIN"

# --- 1. a private apt state that knows bookworm, and bullseye for the compiler
mkdir -p "$W"/apt/{lists/partial,cache/archives/partial,state} "$W"/{debs,src,root,bin}
M=${KAPI_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' "Created-By: Packages" |
  awk '$2 == "bookworm" && $3 == "main" {print $1; exit}')}
[ -n "$M" ] || { echo "setup.sh: apt knows no bookworm main archive here; set KAPI_MIRROR to one" >&2; exit 1; }
K=/usr/share/keyrings/debian-archive-keyring.gpg
if [ -r $K ]; then O="[signed-by=$K]"; else O="[trusted=yes]"; fi
printf 'deb %s %s bookworm main\ndeb-src %s %s bookworm main\ndeb %s %s bullseye main\n' "$O" "$M" "$O" "$M" "$O" "$M" > "$W/apt/sources.list"
ag() { apt-get -q -o Dir::Etc::sourcelist="$W/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
  -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
  -o Dir::State="$W/apt/state" -o Dir::State::status=/dev/null -o Dir::State::Lists="$W/apt/lists" \
  -o Dir::Cache="$W/apt/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"; }
say "apt lists"; ag update >"$W/apt.log" 2>&1 || { cat "$W/apt.log"; exit 1; }
say "download"
(cd "$W/debs" && ag download etcd-server golang-1.15-go golang-1.15-src >>"$W/apt.log" 2>&1) || { tail "$W/apt.log"; exit 1; }
(cd "$W/src" && ag source --download-only kubernetes >>"$W/apt.log" 2>&1) || { tail "$W/apt.log"; exit 1; }
du -sh "$W/debs" "$W/src" | sed 's/^/  /'
for d in "$W"/debs/*.deb; do dpkg -x "$d" "$W/root"; done
install -m755 "$W/root/usr/bin/etcd" "$BIN/.etcd.new"; mv "$BIN/.etcd.new" "$BIN/etcd"

# --- 2. the source, in a GOPATH (its go.mod is too old for -mod=vendor)
S=$W/go/src/k8s.io/kubernetes
if [ ! -e "$S/.unpacked" ]; then
  rm -rf "$S"; mkdir -p "$S"; tar xf "$W"/src/kubernetes_1.20*.orig.tar.gz -C "$S" --strip-components=1
  touch "$S/.unpacked"
fi
export GOROOT=$W/root/usr/lib/go-1.15 GOPATH=$W/go GOCACHE=$W/gocache GO111MODULE=off \
  GOFLAGS= GOPROXY=off CGO_ENABLED=0 HOME="$W"
PATH=$GOROOT/bin:$PATH; cd "$S"

# --- 3. the one generated file that the tarball lacks
G=pkg/generated/openapi/zz_generated.openapi.go
if [ ! -s $G ]; then
  say "openapi-gen"
  go build -o "$W/bin/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  dirs=$(go list -tags providerless -deps ./cmd/kube-apiserver ./cmd/kube-controller-manager | sed -n 's#^k8s.io/kubernetes/##p' |
    while read -r d; do grep -qs '+k8s:openapi-gen=' "$d"/*.go && echo "k8s.io/kubernetes/$d" || :; done |
    LC_ALL=C sort -u | paste -sd,)
  "$W/bin/openapi-gen" --logtostderr -i "$dirs" -p k8s.io/kubernetes/pkg/generated/openapi \
    -O zz_generated.openapi -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt \
    -r "$W/violations.report" 2>"$W/openapi-gen.log" || { tail "$W/openapi-gen.log"; exit 1; }
fi

# --- 4. build; "providerless" leaves the cloud providers' SDKs out (43% of the code)
V=k8s.io/kubernetes/vendor/k8s.io
for p in component-base/version client-go/pkg/version; do
  X="${X:-} -X $V/$p.gitVersion=v1.20.2 -X $V/$p.gitMajor=1 -X $V/$p.gitMinor=20"
done
for b in $want; do
  [ -x "$BIN/$b" ] && continue
  say "go build $b (some minutes)"
  go build -tags providerless -trimpath -ldflags "-s -w $X" -o "$W/bin/$b" "./cmd/$b"
  install -m755 "$W/bin/$b" "$BIN/.$b.new"; mv "$BIN/.$b.new" "$BIN/$b"
done
say "done"; ls -l "$BIN"
