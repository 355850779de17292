#!/usr/bin/env bash
# Builds the Debian packages pipeforkas_VERSION_amd64.deb and python3-pipeforkas_VERSION_all.deb; VERSION is that of Directory.Build.props.
#   packaging/build-deb.sh [DIR [NATIVE]]     into DIR (default: artifacts/deb), from the executables in NATIVE (default: a new build)
# Needs debhelper and dh-python, which it installs as root if they are missing, and what packaging/build.sh and pack-python.sh need.
set -euo pipefail
top=$(realpath "$(dirname "$0")/..")
out=$(realpath -m "${1:-$top/artifacts/deb}")
native=${2:+$(realpath "$2")}
TMPDIR=$(realpath "${TMPDIR:-/tmp}")
cd "$top"

if ! command -v dh >/dev/null || ! command -v dh_python3 >/dev/null; then
    [ "$(id -u)" -eq 0 ] || { echo "build-deb.sh: two packages are needed: apt-get install debhelper dh-python" >&2; exit 1; }
    echo "installing debhelper dh-python"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends debhelper dh-python; } >/dev/null
fi

scratch=$(mktemp -d "$TMPDIR/pipeforkas-deb.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
. packaging/sdk.sh
if [ -z "$native" ]; then
    native=$scratch/native
    packaging/build.sh "$native"
fi

version=$(sdk msbuild src/PipeForkAs.Daemon -getProperty:Version)
# The same sources produce the same package: all times in it are that of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

stage=$scratch/pipeforkas
mkdir "$stage" "$stage/native"
cp -r packaging/debian "$stage/debian"
rm "$stage/debian/changelog.in"
sed -e "s/@VERSION@/$version/" -e "s/@DATE@/$(date -u -R -d "@$SOURCE_DATE_EPOCH")/" packaging/debian/changelog.in \
    >"$stage/debian/changelog"
sed -e 's/^$/./' -e 's/^/ /' LICENSE | sed 1,4d >>"$stage/debian/copyright"
install -m 755 "$native"/pipeforkasd "$native"/pipeforkas "$native"/pipeforkas-jobs "$stage/native/"
install -m 644 README.md packaging/pipeforkas.json packaging/strict.conf "$stage/"
install -m 644 pipeforkas.service packaging/pipeforkas.socket "$stage/debian/"
install -m 644 packaging/pipeforkas.sysusers packaging/pipeforkas.tmpfiles packaging/pipeforkas.logrotate "$stage/debian/"

cp -r packaging/examples "$stage/"

# The Python client as its wheel installs it. The license is in debian/copyright.
packaging/pack-python.sh "$scratch/wheel" >/dev/null
python3 -m zipfile -e "$scratch"/wheel/pipeforkas-*.whl "$stage/python"
rm "$stage"/python/pipeforkas-*.dist-info/LICENSE
install -D -m 644 src/clients/python/README.md "$stage/python-doc/README.md"

# Manual pages and completions.
for page in packaging/man/*.[1-9]; do
    [ ! -f "$page" ] || { install -m 644 "$page" "$stage/"; basename "$page" >>"$stage/debian/pipeforkas.manpages"; }
done
completion() {
    [ ! -f "$1" ] || { install -D -m 644 "$1" "$stage/$2"; echo "$2 $(dirname "$2")" >>"$stage/debian/pipeforkas.install"; }
}
completion packaging/completions/pipeforkas.bash usr/share/bash-completion/completions/pipeforkas
completion packaging/completions/_pipeforkas usr/share/zsh/vendor-completions/_pipeforkas
completion packaging/completions/pipeforkas.fish usr/share/fish/vendor_completions.d/pipeforkas.fish

cd "$stage"
if [ "$(id -u)" -eq 0 ]; then
    debian/rules binary >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
else
    dpkg-buildpackage -us -uc -b -d >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
fi
mkdir -p "$out"
cp "$scratch/pipeforkas_${version}_amd64.deb" "$scratch/python3-pipeforkas_${version}_all.deb" "$out/"
(cd "$top" && give_back)
echo "$out/python3-pipeforkas_${version}_all.deb"
echo "$out/pipeforkas_${version}_amd64.deb"
