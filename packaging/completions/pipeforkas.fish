# fish completion for pipeforkas(1): asks the daemon for the jobs that the caller can run, and for their parameters.

# Asks the daemon, at the host and the socket in the line. A daemon that does not answer must not block the shell, and ssh must not ask for
# a password.
function __pipeforkas_ask
    set -l words (commandline -opc)
    set -l host
    set -l socket
    for i in (seq (count $words))
        if string match -q -- '--host=*' $words[$i]
            set host $words[$i]
        else if contains -- "$words[$i]" --host -H; and test $i -lt (count $words)
            set host --host=$words[(math $i + 1)]
        else if string match -q -- '--socket=*' $words[$i]
            set socket $words[$i]
        else if test "$words[$i]" = --socket; and test $i -lt (count $words)
            set socket --socket=$words[(math $i + 1)]
        end
    end
    env SSH_ASKPASS=/bin/false SSH_ASKPASS_REQUIRE=force timeout 3 $words[1] $host $socket $argv 2>/dev/null </dev/null
end

# The words after the options: the command, the job, its arguments.
function __pipeforkas_words
    set -l skip 1
    for word in (commandline -opc)
        if test $skip -gt 0
            set skip 0
            continue
        end
        switch $word
            case --host -H --socket --daemon-uid --user -u --caller --timeout -t --env -e --args
                set skip 1
            case '-*'
            case '*'
                echo $word
        end
    end
end

# Whether the command is one of these, with this number of words after it: "0", or "+" for one or more.
function __pipeforkas_at
    set -l words (__pipeforkas_words)
    set -l after (math (count $words) - 1)
    contains -- "$words[1]" $argv[2..]; or return 1
    if test $argv[1] = +
        test $after -gt 0
    else
        test $after -eq $argv[1]
    end
end

function __pipeforkas_of
    set -l words (__pipeforkas_words)
    contains -- "$words[1]" $argv
end

function __pipeforkas_jobs
    __pipeforkas_ask list | string replace -rf '^(\S+) +\S+ *(.*)$' '$1\t$2'
end

function __pipeforkas_parameters
    set -l words (__pipeforkas_words)
    __pipeforkas_ask describe $words[2] | string replace -rf '^  ([A-Za-z0-9_.-]+)  +(.*)$' '$1=\t$2'
end

# The argument that is being typed: files once it has a name.
function __pipeforkas_values
    set -l token (commandline -ct)
    string match -q '*=*' -- $token; or return
    set -l name (string replace -r '=.*' '' -- $token)
    __fish_complete_path (string replace -r '^[^=]*=' '' -- $token) | string replace -r '^' "$name="
end

function __pipeforkas_variables
    set -l words (__pipeforkas_words)
    test (count $words) -gt 1; or return
    __pipeforkas_ask describe $words[2] | string replace -rf '^  --env may set (.*)$' '$1' | string split ', ' | string replace -r '$' '='
end

function __pipeforkas_ids
    __pipeforkas_ask status | string replace -rf '^  ([0-9]+)  +(.*)$' '$1\t$2'
end

complete -c pipeforkas -f
complete -c pipeforkas -s H -l host -x -a '(__fish_print_hostnames)' -d "The host of the daemon, by ssh"
complete -c pipeforkas -l socket -r -F -d "The daemon's socket"
complete -c pipeforkas -l daemon-uid -x -a any -d "The uid of the process that must listen there, or any"
complete -c pipeforkas -s h -l help -d "Show help"
complete -c pipeforkas -n 'not __pipeforkas_of run list describe check status cancel sign-in sign-out dial' -l version -d "Show the version"
complete -c pipeforkas -n 'not __pipeforkas_of run list describe check status cancel sign-in sign-out dial' -a run -d "Run a job"
complete -c pipeforkas -n 'not __pipeforkas_of run list describe check status cancel sign-in sign-out dial' -a list -d "List the jobs"
complete -c pipeforkas -n 'not __pipeforkas_of run list describe check status cancel sign-in sign-out dial' -a describe -d "Describe a job"
complete -c pipeforkas -n 'not __pipeforkas_of run list describe check status cancel sign-in sign-out dial' -a check -d "Check whether the daemon would run a job"
complete -c pipeforkas -n 'not __pipeforkas_of run list describe check status cancel sign-in sign-out dial' -a status -d "Show the status of the daemon"
complete -c pipeforkas -n 'not __pipeforkas_of run list describe check status cancel sign-in sign-out dial' -a cancel -d "Cancel a running job"
complete -c pipeforkas -n 'not __pipeforkas_of run list describe check status cancel sign-in sign-out dial' -a sign-in -d "Sign a user in"
complete -c pipeforkas -n 'not __pipeforkas_of run list describe check status cancel sign-in sign-out dial' -a sign-out -d "End a ticket"
complete -c pipeforkas -n 'not __pipeforkas_of run list describe check status cancel sign-in sign-out dial' -a dial -d "Connect to the daemon, for clients that come by ssh"

complete -c pipeforkas -n '__pipeforkas_at 0 run describe check' -a '(__pipeforkas_jobs)'
complete -c pipeforkas -n '__pipeforkas_at + run check' -a '(__pipeforkas_parameters)'
complete -c pipeforkas -n '__pipeforkas_at + run check' -a '(__pipeforkas_values)'
complete -c pipeforkas -n '__pipeforkas_at 0 cancel' -a '(__pipeforkas_ids)'
complete -c pipeforkas -n '__pipeforkas_at 0 sign-in' -a '(__fish_complete_users)'

complete -c pipeforkas -n '__pipeforkas_of run check' -l args -x -d "The arguments as one JSON object"
complete -c pipeforkas -n '__pipeforkas_of run check' -s u -l user -x -a '(__fish_complete_users)' -d "User to run the job as"
complete -c pipeforkas -n '__pipeforkas_of run' -s t -l timeout -x -d "Time out the job after this many seconds"
complete -c pipeforkas -n '__pipeforkas_of run' -s e -l env -x -a '(__pipeforkas_variables)' -d "Environment variable for the job"
complete -c pipeforkas -n '__pipeforkas_of run' -s n -l no-stdin -d "Send no input"
complete -c pipeforkas -n '__pipeforkas_of run' -l frames -d "Write the reply unchanged, in frames"
complete -c pipeforkas -n '__pipeforkas_of check' -l caller -x -a '(__fish_complete_users)' -d "Caller to check for"
complete -c pipeforkas -n '__pipeforkas_of check' -l explain -d "Show the result of each rule"
complete -c pipeforkas -n '__pipeforkas_of run list describe check status sign-in' -l json -d "Write JSON"
complete -c pipeforkas -n '__pipeforkas_of status' -l prometheus -d "Write metrics for Prometheus"
