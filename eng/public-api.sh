#!/usr/bin/env bash
# Writes the public API of each packaged library to its PublicAPI.Unshipped.txt, from what the analyzer reports. Read the difference before
# you commit it: a removed line breaks the programs of others. At a release the lines move to PublicAPI.Shipped.txt.
#   eng/public-api.sh [PROJECT ...]     default: Protocol Client Jobs Jobs.Testing
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- Protocol Client Jobs Jobs.Testing
for name in "$@"; do echo '#nullable enable' >"src/PipeForkAs.$name/PublicAPI.Unshipped.txt"; done
for name in "$@"; do
    folder=src/PipeForkAs.$name
    dotnet build "$folder" -c Release --nologo -v minimal --no-incremental -p:WarningsNotAsErrors=RS0016 \
        | grep -F "$folder/" | sed -n "s/.*RS0016: Symbol '\(.*\)' is not part of the declared public API.*/\1/p" \
        | LC_ALL=C sort -u >>"$folder/PublicAPI.Unshipped.txt"
    echo "$folder/PublicAPI.Unshipped.txt: $(($(wc -l <"$folder/PublicAPI.Unshipped.txt") - 1)) lines"
done
