#!/usr/bin/env bash
# Builds all packages of a commit twice, in clean clones in different folders and with other settings of the user, and compares them byte
# for byte: NuGet, npm, the wheel, the collection for Ansible, Debian.
#   packaging/reproduce.sh [COMMIT]     (default: HEAD)
# Prints their SHA-256. Takes about 15 minutes. Needs git, and what the scripts of the packages need.
set -euo pipefail
top=$(realpath "$(dirname "$0")/..")
TMPDIR=$(realpath "${TMPDIR:-/tmp}")
cd "$top"
commit=$(git rev-parse --verify "${1:-HEAD}^{commit}")
scratch=$(mktemp -d "$TMPDIR/pipeforkas-reproduce.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# build FOLDER: the packages are in FOLDER.out.
build() {
    git clone -q "$top" "$1"
    cd "$1"
    git checkout -q --detach "$commit"
    for script in pack pack-node pack-python pack-ansible build-deb; do
        echo "$1: $script.sh"
        "packaging/$script.sh" "$1.out/$script" >"$1.log" 2>&1 || { cat "$1.log" >&2; return 1; }
    done
}

sums() { (cd "$1.out" && find . -type f -exec sha256sum {} + | LC_ALL=C sort -k 2); }

(build "$scratch/first")
mkdir -p "$scratch/elsewhere/tmp"
(umask 077 && TZ=Asia/Tokyo LC_ALL=C TMPDIR=$scratch/elsewhere/tmp build "$scratch/elsewhere/second")

sums "$scratch/first" >"$scratch/first.sums"
sums "$scratch/elsewhere/second" >"$scratch/second.sums"
if ! diff "$scratch/first.sums" "$scratch/second.sums"; then
    echo "reproduce.sh: these packages differ" >&2
    exit 1
fi
cat "$scratch/first.sums"
echo "the packages of ${commit:0:12} are the same in both builds"
