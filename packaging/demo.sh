#!/usr/bin/env bash
# Demonstrates PipeForkAs: builds it natively, starts the daemon with the built-in defaults on its own socket, and runs real jobs as
# USER.
#   sudo packaging/demo.sh [USER]     default: the user who called sudo, else a user that exists only during the demonstration
# PIPEFORKAS_NATIVE names a folder with executables to use; then nothing is built. Installs a C compiler and socat if they are missing.
# Leaves no process and no file behind except the build (artifacts/, bin/, obj/).
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."

fail() { echo "demo.sh: $*" >&2; exit 1; }
fail_with_log() { echo "demo.sh: $*; its log:" >&2; cat "$scratch/pipeforkasd.log" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "run it as root: sudo packaging/demo.sh [USER]"
native=${PIPEFORKAS_NATIVE:-}
[ -n "$native" ] || command -v dotnet >/dev/null || fail "dotnet is not on the PATH; install the .NET 10 SDK"

missing=()
[ -n "$native" ] || command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v socat >/dev/null || missing+=(socat)
if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
fi

daemon= made_user= scratch=$(mktemp -d /tmp/pipeforkas-demo.XXXXXX)
clean() {
    trap '' INT TERM HUP
    [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null && wait "$daemon"; } || true
    [ -z "$made_user" ] || userdel --remove "$made_user" 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean EXIT

user=${1:-${SUDO_USER:-}}
if [ -z "$user" ] || [ "$user" = root ]; then
    user=pipeforkas-demo
    ! id "$user" >/dev/null 2>&1 \
        || fail "the user $user exists, perhaps another demonstration runs; name a user: sudo packaging/demo.sh USER"
    useradd --create-home --shell /bin/bash "$user"
    made_user=$user
fi
id "$user" >/dev/null || fail "there is no user $user"

if [ -z "$native" ]; then
    echo "building natively; this takes a minute or two"
    native=$scratch/native
    packaging/build.sh "$native" >"$scratch/build.log" 2>&1 || { cat "$scratch/build.log" >&2; fail "the build failed"; }
fi

# The built-in defaults, except for the places of the socket and of the job host, which is not installed.
socket=$scratch/pipeforkas.sock
cat >"$scratch/demo.json" <<EOF
{ "Socket": { "Path": "$socket" }, "JobHosts": [ { "Path": "$native/pipeforkas-jobs" } ] }
EOF
chmod 755 "$scratch"
"$native/pipeforkasd" --config "$scratch/demo.json" >"$scratch/pipeforkasd.log" 2>&1 &
daemon=$!
for _ in $(seq 100); do
    [ -S "$socket" ] && break
    kill -0 "$daemon" 2>/dev/null || fail_with_log "the daemon ended"
    sleep 0.1
done
[ -S "$socket" ] || fail_with_log "the daemon does not listen"

show() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
as_user() { runuser -u "$user" -- "$@"; }
command=$native/pipeforkas
export PIPEFORKAS_SOCKET=$socket

show "echo '{\"job\":\"id\",\"user\":\"$user\"}' | socat -t 30 - UNIX-CONNECT:$socket      # as root"
echo "{\"job\":\"id\",\"user\":\"$user\"}" | socat -t 30 - "UNIX-CONNECT:$socket"
show "pipeforkas list"
as_user "$command" list
show "pipeforkas run id      # as $user"
as_user "$command" run id
show "pipeforkas run business-logic"
as_user "$command" run business-logic; echo
show "pipeforkas run list-directory path=/    # first 200 characters"
as_user "$command" run list-directory path=/ | cut -c 1-200
show "echo 'through a pipe, as another user' | pipeforkas run cat"
echo 'through a pipe, as another user' | as_user "$command" run cat
show "pipeforkas run --user root id      # the policy denies this"
as_user "$command" run --user root id && fail "that should have been denied" || echo "exit status $?"
printf '\nEach job ran in a forked worker that had become the user %s.\n' "$user"
