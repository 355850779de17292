#!/usr/bin/env bash
# Builds the wheel of the Python client, pipeforkas-VERSION-py3-none-any.whl; VERSION is that of Directory.Build.props.
#   packaging/pack-python.sh [DIR]     into DIR (default: artifacts/python)
# Needs python3 with pip, setuptools and wheel, which it installs from Debian as root if they are missing. The build uses no network, and
# the same sources produce the same wheel.
set -euo pipefail
top=$(realpath "$(dirname "$0")/..")
out=$(realpath -m "${1:-$top/artifacts/python}")
cd "$top"
umask 022
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# setuptools 61 is the first one that reads the metadata in pyproject.toml.
can_build() { "$1" -c 'import setuptools as s, pip, wheel; assert int(s.__version__.split(".")[0]) >= 61' 2>/dev/null; }
python=python3
can_build "$python" || python=/usr/bin/python3
if ! can_build "$python"; then
    packages="python3-pip python3-setuptools python3-wheel"
    [ "$(id -u)" -eq 0 ] || { echo "pack-python.sh: these packages are needed: apt-get install $packages" >&2; exit 1; }
    echo "installing $packages"
    # shellcheck disable=SC2086
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages; } >/dev/null
fi

version=$(sed -nE 's|.*<Version>(.*)</Version>.*|\1|p' Directory.Build.props)
grep -qx "__version__ = \"$version\"" src/clients/python/pipeforkas/__init__.py \
    || { echo "pack-python.sh: src/clients/python/pipeforkas/__init__.py does not have the version $version" >&2; exit 1; }

scratch=$(mktemp -d "${TMPDIR:-/tmp}/pipeforkas-python.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
# All times in the wheel are that of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
mkdir "$scratch/pipeforkas" "$scratch/wheel"
install -m 644 src/clients/python/pyproject.toml src/clients/python/README.md LICENSE "$scratch"
install -m 644 src/clients/python/pipeforkas/__init__.py src/clients/python/pipeforkas/py.typed "$scratch/pipeforkas"
"$python" -m pip wheel --quiet --no-deps --no-build-isolation --no-index --no-cache-dir --wheel-dir "$scratch/wheel" "$scratch" \
    >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
wheel=pipeforkas-$version-py3-none-any.whl
mkdir -p "$out"
cp "$scratch/wheel/$wheel" "$out/"
echo "$out/$wheel"
