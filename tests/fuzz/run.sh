#!/usr/bin/env bash
# Fuzzes the parsers of untrusted bytes, with libFuzzer, on copies of the product that count their branches. See README.md.
#   tests/fuzz/run.sh [TARGET|all] [SECONDS]      SECONDS for each target, by default all and 600
#   tests/fuzz/run.sh --update [TARGET|all] [SECONDS]   the same, and inputs that take new branches go to the corpus in the tree
#   tests/fuzz/run.sh --short                     two minutes in all, as a part of tests/run.sh
#   tests/fuzz/run.sh --replay TARGET FILE|BASE64 one input, as in the report of a finding
# Its last line is "N targets, N inputs, N failures". Only --update leaves changes, in the corpus.
set -uo pipefail
top=$(realpath "$(dirname "$0")/../..")
cd "$top"
umask 022
export LANG=C.UTF-8 DOTNET_EnableDiagnostics=0

fail() { printf '%s\n' "$*" >&2; echo "1 targets, 0 inputs, 1 failures"; exit 1; }
command -v dotnet >/dev/null || fail "$0: the .NET 10 SDK is needed: dotnet is not on the PATH"

mode=run
case ${1:-} in
--short | --update | --replay) mode=${1#--}; shift ;;
-*) fail "$0: unknown option $1" ;;
esac

scratch=$(mktemp -d "${TMPDIR:-/tmp}/pipeforkas-fuzz.XXXXXX") || fail "$0: no folder can be created in ${TMPDIR:-/tmp}"
trap 'rm -rf "$scratch"' EXIT
. packaging/sdk.sh
trap 'give_back; rm -rf "$scratch"' EXIT

project=tests/PipeForkAs.Fuzz
# tests/run.sh has built it already.
[ "${PIPEFORKAS_BUILT:-}" = 1 ] || sdk build "$project" -c Release --nologo -v quiet || fail "$0: the build failed"
built=$(dirname "$(sdk msbuild "$project" -getProperty:TargetPath -p:Configuration=Release)")
fuzz() { TMPDIR=$scratch dotnet exec "$1/PipeForkAs.Fuzz.dll" "${@:2}"; }

if [ "$mode" = replay ]; then
    [ $# -eq 2 ] || fail "$0: --replay needs a target and a file, or an input in base64"
    fuzz "$built" replay "$1" "$2"
    exit
fi

installed=/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer_no_main-$(uname -m).a
archive=${LIBFUZZER:-$(compgen -G "$installed" | sort -V | tail -n 1)}
[ -f "$archive" ] || fail "$0: libFuzzer is needed: apt-get install libclang-rt-dev, or name libclang_rt.fuzzer_no_main-*.a in LIBFUZZER"

copy=$scratch/instrumented
cp -r "$built" "$copy" || fail "$0: the copy failed"
# The C++ library is linked by its file name, so no C++ compiler is needed.
cc -shared -fPIC -O2 -Wall -Wextra -Werror -o "$copy/libpipeforkas-fuzz.so" "$project/libfuzzer.c" "$archive" \
    -l:libstdc++.so.6 -lm -lpthread \
    || fail "$0: libFuzzer cannot be linked"
fuzz "$built" instrument "$copy" || fail "$0: the copies cannot be instrumented"

declare -A longest
while read -r name length; do longest[$name]=$length; done < <(fuzz "$copy" list)
mapfile -t all < <(printf '%s\n' "${!longest[@]}" | sort)
[ ${#all[@]} -gt 0 ] || fail "$0: there are no targets"

wanted=${1:-all}
if [ "$wanted" = all ]; then
    targets=("${all[@]}")
else
    [ -n "${longest[$wanted]:-}" ] || fail "$0: there is no target $wanted; there are ${all[*]}"
    targets=("$wanted")
fi
seconds=${2:-600}
[ "$mode" != short ] || seconds=$((110 / ${#targets[@]}))
[[ $seconds =~ ^[0-9]+$ ]] || fail "$0: $seconds is not a number of seconds"

inputs=0 failures=0
for target in "${targets[@]}"; do
    corpus=tests/fuzz/corpus/$target
    mkdir -p "$scratch/new/$target" "$scratch/artifacts/$target"
    folders=("$scratch/new/$target")
    [ -d "$corpus" ] && folders+=("$corpus")
    # The limits of one input: 60 s, for a busy machine, and 4 GB.
    fuzz "$copy" run "$target" "$scratch/current" \
        -max_total_time="$seconds" -max_len="${longest[$target]}" -timeout=60 -rss_limit_mb=4096 -detect_leaks=0 -print_final_stats=1 \
        -dict=tests/fuzz/json.dict -artifact_prefix="$scratch/artifacts/$target/" "${folders[@]}" >"$scratch/output" 2>&1 </dev/null
    status=$?
    count=$(sed -nE 's/^stat::number_of_executed_units: *([0-9]+)/\1/p' "$scratch/output" | tail -n 1)
    [ -n "$count" ] || count=$(sed -nE 's/^#([0-9]+)[[:space:]].*/\1/p' "$scratch/output" | tail -n 1)
    inputs=$((inputs + ${count:-0}))
    if [ "$status" -ne 0 ] || [ "${count:-0}" -eq 0 ]; then
        failures=$((failures + 1))
        echo "FAILED: $target (status $status)"
        if grep -q '^finding: ' "$scratch/output"; then
            sed -n '/^finding: /,$p' "$scratch/output"
        else
            tail -n 30 "$scratch/output"
            # The first eight bytes are the length of the current input when the process ended.
            length=$(od -An -t u8 -N 8 "$scratch/current" 2>/dev/null | tr -d ' ')
            [ -z "$length" ] || input=$(tail -c +9 "$scratch/current" | head -c "$length" | base64 -w 0)
            [ -z "$length" ] || echo "replay: tests/fuzz/run.sh --replay $target $input"
        fi
    fi

    case $mode in
    short) echo "$target: ${count:-0} inputs" ;;
    update) echo "$(fuzz "$copy" minimize "$target" "$corpus" "$scratch/new/$target"), ${count:-0} inputs" ;;
    *) echo "$(fuzz "$copy" minimize "$target" "$scratch/kept/$target" "${folders[@]}"), ${count:-0} inputs" ;;
    esac
done

echo "${#targets[@]} targets, $inputs inputs, $failures failures"
[ "$failures" -eq 0 ]
