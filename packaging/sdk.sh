# The .NET SDK as the scripts here use it: nothing of it goes on running, and nothing stays in /tmp. Sourced by scripts that have a folder $scratch,
# which goes with them.

# MSBuild's nodes and the compiler's server would wait for the next build for 10 to 15 minutes, as root where the script is.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# NuGet's locks belong to its cache, which others may fill meanwhile: they stay where they are for everybody.
export NUGET_SCRATCH=${NUGET_SCRATCH:-${TMPDIR:-/tmp}/NuGetScratch$(id -un)}

# dotnet, with a temporary folder that is the script's.
sdk() {
    mkdir -p "$scratch/tmp" && TMPDIR=$scratch/tmp dotnet "$@"
}
