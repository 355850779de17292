#!/usr/bin/env bash
# Packs the Ansible collection pipeforkas.jobs with the Python client, as pipeforkas-jobs-VERSION.tar.gz for
# `ansible-galaxy collection install FILE`; VERSION is that of Directory.Build.props.
#   packaging/pack-ansible.sh [DIR]     into DIR (default: artifacts/packages)
# Needs python3 and no network. The same commit gives the same file.
set -euo pipefail
umask 022
top=$(realpath "$(dirname "$0")/..")
out=$(realpath -m "${1:-$top/artifacts/packages}")
cd "$top"

version=$(sed -nE 's|.*<Version>(.*)</Version>.*|\1|p' Directory.Build.props)
grep -qx "__version__ = \"$version\"" src/clients/python/pipeforkas/__init__.py \
    || { echo "pack-ansible.sh: src/clients/python/pipeforkas/__init__.py does not have the version $version" >&2; exit 1; }
# All times in the file are that of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH PYTHONDONTWRITEBYTECODE=1
mkdir -p "$out"
python3 packaging/pack_ansible.py "$version" "$out/pipeforkas-jobs-$version.tar.gz"
echo "$out/pipeforkas-jobs-$version.tar.gz"
