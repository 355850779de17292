#!/usr/bin/env bash
# Packs the client for Node as pipeforkas-VERSION.tgz, for `npm install FILE`; VERSION is that of Directory.Build.props.
#   packaging/pack-node.sh [DIR]     into DIR (default: artifacts/packages)
# Needs npm, and no network.
set -euo pipefail
umask 022
top=$(realpath "$(dirname "$0")/..")
out=$(realpath -m "${1:-$top/artifacts/packages}")
TMPDIR=$(realpath "${TMPDIR:-/tmp}")
cd "$top"

command -v npm >/dev/null || { echo "pack-node.sh: npm is needed: apt-get install npm" >&2; exit 1; }

version=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' Directory.Build.props)
packed=$(sed -n 's|^  "version": "\(.*\)",$|\1|p' src/clients/node/package.json)
[ "$version" = "$packed" ] \
    || { echo "pack-node.sh: src/clients/node/package.json has the version $packed, Directory.Build.props has $version" >&2; exit 1; }

scratch=$(mktemp -d "$TMPDIR/pipeforkas-node.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cp -r src/clients/node "$scratch/package"
cp LICENSE "$scratch/package/"
# The modes of a clone depend on the umask of its user.
chmod -R u=rwX,go=rX "$scratch/package"
mkdir -p "$out"

# Neither npm's cache nor its log, and no look for a newer npm.
npm_config_cache=$scratch/cache npm_config_update_notifier=false npm pack "$scratch/package" --pack-destination "$out" \
    --ignore-scripts --silent >/dev/null
echo "$out/pipeforkas-$version.tgz"
