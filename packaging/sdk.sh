# The .NET SDK as the scripts here use it: nothing of it goes on running behind them, and only what others use too stays in /tmp (NuGet's locks, .NET's
# shared memory). Sourced, in the repository's folder, by scripts that have a folder $scratch, which goes with them.

# MSBuild's Exec does not quote the path of its script, and reports a missing linker instead.
case $scratch in
*[[:space:]]*)
    echo "$0: the folder for temporary files is $scratch; name one without white space in TMPDIR" >&2
    exit 1
    ;;
esac

# MSBuild's nodes and the compiler's server would wait for the next build for 10 to 15 minutes, as root where the script is.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# NuGet's locks guard its cache, which the same user may fill from elsewhere meanwhile: they stay where NuGet has them. It makes and checks that folder only
# where nobody names one.
if [ -z "${NUGET_SCRATCH:-}" ]; then
    NUGET_SCRATCH=${TMPDIR:-/tmp}/NuGetScratch$(id -un)
    mkdir -p -m 700 "$NUGET_SCRATCH"
    # One look at the thing itself: between two, its owner could put another in its place. What passes is ours, and nobody else's to move.
    if [ -z "$(find "$NUGET_SCRATCH" -maxdepth 0 -type d -user "$(id -u)")" ]; then
        echo "$0: $NUGET_SCRATCH belongs to somebody else; remove it" >&2
        exit 1
    fi
    export NUGET_SCRATCH
fi

# Where NuGet runs for the first time it takes a mutex, which .NET has as a file of a known name in /tmp/.dotnet: it follows links there, and cuts off what they
# lead to. This is the mark by which NuGet knows that it ran.
mark=~
mark=${XDG_DATA_HOME:-$mark/.local/share}/NuGet/Migrations/1
[ -e "$mark" ] || { mkdir -p "${mark%/*}" && : >"$mark"; }

# What root built in somebody's clone is given to whose clone it is: the next build is that one's.
give_back() {
    [ "$(id -u)" -ne 0 ] || [ "$(stat -c %u .)" -eq 0 ] || chown -h -R --reference=. artifacts src/*/bin src/*/obj tests/*/bin tests/*/obj tests/bench/*/bin tests/bench/*/obj 2>/dev/null || true
}

# dotnet, with a temporary folder that is the script's.
sdk() {
    mkdir -p "$scratch/tmp" && TMPDIR=$scratch/tmp dotnet "$@"
}
