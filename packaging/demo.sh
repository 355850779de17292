#!/usr/bin/env bash
# Demonstrates PipeForkAs: builds it natively, starts the daemon with the built-in defaults on its own socket, and runs real jobs as
# USER.
#   sudo packaging/demo.sh [USER]     default: the user who called sudo, else a user that exists only during the demonstration
#   sudo packaging/demo.sh --page [USER]     the file page on loopback until Ctrl-C, for a user that exists only meanwhile, with a password
#                                            that is printed; USER is a user of this machine, with their own password
# PIPEFORKAS_NATIVE names a folder with executables to use; then nothing is built. Installs a C compiler and socat if they are missing.
# Leaves no process and no file behind except the build (artifacts/, bin/, obj/).
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."

fail() { echo "demo.sh: $*" >&2; exit 1; }
fail_with_log() { echo "demo.sh: $*; its log:" >&2; cat "$scratch/pipeforkasd.log" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "run it as root: sudo packaging/demo.sh [--page] [USER]"
page=
[ "${1:-}" != --page ] || { page=1; shift; }
native=${PIPEFORKAS_NATIVE:-}
[ -n "$native" ] || command -v dotnet >/dev/null || fail "dotnet is not on the PATH; install the .NET 10 SDK"

missing=()
[ -n "$native" ] || command -v cc >/dev/null || missing+=(gcc libc6-dev)
[ -n "$page" ] || command -v socat >/dev/null || missing+=(socat)
if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
fi

daemon= made_user= page_process= page_user= page_pam= scratch=$(mktemp -d /tmp/pipeforkas-demo.XXXXXX)
clean() {
    trap '' INT TERM HUP
    [ -z "$page_process" ] || { kill "$page_process" 2>/dev/null && wait "$page_process"; } || true
    [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null && wait "$daemon"; } || true
    [ -z "$made_user" ] || userdel --remove "$made_user" 2>/dev/null || true
    [ -z "$page_user" ] || userdel "$page_user" 2>/dev/null || true
    [ -z "$page_pam" ] || rm -f "$page_pam"
    rm -rf "$scratch"
}
trap clean EXIT
trap 'exit 0' INT TERM HUP

user=${1:-}
[ -n "$user" ] || [ -n "$page" ] || user=${SUDO_USER:-}
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
    if [ -n "$page" ]; then
        . packaging/sdk.sh
        sdk publish src/PipeForkAs.Files -c Release -r linux-x64 -o "$scratch/page" --nologo -v quiet >"$scratch/build.log" 2>&1 \
            || { cat "$scratch/build.log" >&2; fail "the build failed"; }
        give_back
        mv "$scratch/page/pipeforkas-files" "$native"
    fi
fi

# The built-in defaults, except for the places of the socket and of the job host, which is not installed. With the page, its policy.
socket=$scratch/pipeforkas.sock policy=
if [ -n "$page" ]; then
    page_user=pipeforkas-page-$$ page_pam=/etc/pam.d/pipeforkas-page-$$
    useradd --system --no-create-home --shell /usr/sbin/nologin "$page_user"
    cp packaging/examples/files-page/pipeforkas-files.pam "$page_pam"
    policy=", $(sed -e '/^{$/d' -e '/^}$/d' -e "s/\"pipeforkas-files\"/\"$page_user\"/g" \
        -e "s/\"PamService\": \"[^\"]*\"/\"PamService\": \"${page_pam##*/}\"/" packaging/examples/files-page/policy.json)"
fi
cat >"$scratch/demo.json" <<EOF
{ "Socket": { "Path": "$socket" }, "JobHosts": [ { "Path": "$native/pipeforkas-jobs" } ]$policy }
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

if [ -n "$page" ]; then
    password="the password of $user on this machine"
    if [ -n "$made_user" ]; then
        # A pipe from the endless file would end with a failure.
        password=$(head -c 1024 /dev/urandom | tr -dc a-km-z2-9)
        password=${password:0:12}
        chpasswd <<<"$user:$password"
        runuser -u "$user" -- sh -c 'cd && mkdir Documents Pictures && echo "Only $(whoami) can see this." >Documents/welcome.txt'
    fi
    echo "{ \"Listen\": \"127.0.0.1:${PIPEFORKAS_PAGE_PORT:-8123}\", \"Socket\": \"$socket\" }" >"$scratch/page.json"
    setpriv --reuid "$page_user" --regid "$page_user" --clear-groups --bounding-set=-all --no-new-privs \
        env DOTNET_EnableDiagnostics=0 "$native/pipeforkas-files" --config "$scratch/page.json" >"$scratch/page.log" 2>&1 &
    page_process=$!
    for _ in $(seq 100); do
        grep -q 'Application started' "$scratch/page.log" && break
        kill -0 "$page_process" 2>/dev/null || { cat "$scratch/page.log" >&2; fail "the page ended"; }
        sleep 0.1
    done
    address=$(sed -n 's/.*Now listening on: //p' "$scratch/page.log")
    printf 'The file page: %s\nUser: %s\nPassword: %s\nCtrl-C ends it.\n' "$address" "$user" "$password"
    wait "$page_process" || { cat "$scratch/page.log" >&2; fail "the page ended"; }
    exit 0
fi

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
