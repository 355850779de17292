#!/usr/bin/env bash
# Builds the NuGet packages: PipeForkAs.Client, PipeForkAs.Jobs, PipeForkAs.Jobs.Testing, PipeForkAs.Templates, and what they depend on.
#   packaging/pack.sh [DIR]     into DIR (default: artifacts/packages)
# The version is that of Directory.Build.props. The same commit gives the same packages, byte for byte.
set -euo pipefail
umask 022
top=$(realpath "$(dirname "$0")/..")
out=$(realpath -m "${1:-$top/artifacts/packages}")
TMPDIR=$(realpath "${TMPDIR:-/tmp}")
cd "$top"

scratch=$(mktemp -d "$TMPDIR/pipeforkas-pack.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
. packaging/sdk.sh
trap 'give_back; rm -rf "$scratch"' EXIT

# All times in the packages are that of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

# The build of the solution has the analyzers. Symbols name the place of the sources, and a package that of the repository, where git knows
# a public one.
options=(-c Release --nologo -v quiet --artifacts-path artifacts/pack "${reproducible[@]}" -p:RunAnalyzers=false)
case $(git remote get-url origin 2>/dev/null) in
https://*) options+=(-p:PublishRepositoryUrl=true) ;;
esac

mkdir -p "$out"
rm -f "$out"/PipeForkAs.*.nupkg "$out"/PipeForkAs.*.snupkg
sdk pack packaging/packages.slnf "${options[@]}" -o "$out"
sdk pack packaging/templates "${options[@]}" -o "$out"
ls -l "$out"
