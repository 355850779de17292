# bash completion for pipeforkas(1): asks the daemon for the jobs that the caller can run, and for their parameters.

# Asks the daemon, at the host and the socket in the line. A daemon that does not answer must not block the shell, and ssh must not ask for
# a password.
_pipeforkas_ask() {
    SSH_ASKPASS=/bin/false SSH_ASKPASS_REQUIRE=force timeout 3 "$program" ${host:+--host "$host"} ${socket:+--socket "$socket"} "$@" \
        2>/dev/null </dev/null
}

# The names in the configuration of ssh, without patterns.
_pipeforkas_hosts() {
    sed -nE 's/^[[:space:]]*[Hh][Oo][Ss][Tt][[:space:]]+//p' ~/.ssh/config 2>/dev/null | tr -s ' ' '\n' | grep -v '[*?!]'
}

_pipeforkas_jobs() {
    _pipeforkas_ask list | while read -r name _; do printf '%s\n' "$name"; done
}

# The parameters of a job: name, a tab, the expected value.
_pipeforkas_parameters() {
    _pipeforkas_ask describe "$1" | sed -nE 's/^  ([A-Za-z0-9_.-]+)  +(.*)$/\1\t\2/p'
}

_pipeforkas_variables() {
    _pipeforkas_ask describe "$1" | sed -nE 's/^  --env may set (.*)$/\1/p' | tr -d ,
}

# The ids of running jobs that the caller may see.
_pipeforkas_ids() {
    _pipeforkas_ask status | sed -nE '/^  ID /,$ s/^  ([0-9]+) .*$/\1/p'
}

# The values of a parameter if there are few; else files.
_pipeforkas_values() {
    local name takes
    while IFS=$'\t' read -r name takes; do
        [[ $name == "$2" ]] || continue
        case $takes in
            "true or false"*) printf '%s\n' true false; return ;;
            "one of "*) sed -E 's/^one of //; s/: .*//; s/, required$//; s/, [^,]* if not given$//; s/, /\n/g' <<<"$takes"; return ;;
        esac
    done < <(_pipeforkas_parameters "$1")
    compgen -f -- "$3"
}

_pipeforkas() {
    local program=${COMP_WORDS[0]} host="" socket="" command="" job="" cur prev="" piece word i
    local -a words=() candidates=()

    # The words of the line as the command gets them: readline also breaks them at '=' and ':'.
    local joins=""
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        if [[ $piece == [=:]* && ${#words[@]} -gt 1 ]]; then
            words[-1]+=$piece joins=1
        elif [[ -n $joins ]]; then
            words[-1]+=$piece joins=""
        else
            words+=("$piece")
        fi
    done
    cur=${words[-1]}

    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        case $word in
            --host=* | -H=*) host=${word#*=} ;;
            --host | -H) host=${words[++i]} prev=$word ;;
            --socket=*) socket=${word#*=} ;;
            --socket) socket=${words[++i]} prev=$word ;;
            --user | -u | --caller | --timeout | -t | --env | -e | --args | --daemon-uid) ((++i)); prev=$word ;;
            -*) ;;
            *) if [[ -z $command ]]; then command=$word; elif [[ -z $job ]]; then job=$word; fi ;;
        esac
    done
    # Only if the word to complete is the value of the option.
    ((i == ${#words[@]})) || prev=""
    [[ $cur != --*=* ]] || { prev=${cur%%=*} cur=${cur#*=}; }

    case $prev in
        --host | -H) mapfile -t candidates < <(_pipeforkas_hosts) ;;
        --socket) mapfile -t candidates < <(compgen -f -- "$cur") ;;
        --user | -u | --caller) mapfile -t candidates < <(compgen -u -- "$cur") ;;
        --env | -e) [[ -z $job ]] || mapfile -t candidates < <(_pipeforkas_variables "$job" | tr ' ' '\n' | sed 's/$/=/') ;;
        --daemon-uid) candidates=(any) ;;
        --timeout | -t | --args) ;;
        *)
            case $command:$cur in
                run:-*) candidates=(--args --user --timeout --env --no-stdin --frames --json --host --socket --daemon-uid --help) ;;
                check:-*) candidates=(--args --user --caller --explain --json --host --socket --daemon-uid --help) ;;
                list:-* | describe:-*) candidates=(--json --host --socket --daemon-uid --help) ;;
                status:-*) candidates=(--json --prometheus --host --socket --daemon-uid --help) ;;
                cancel:-* | sign-out:-*) candidates=(--host --socket --daemon-uid --help) ;;
                dial:-*) candidates=(--socket --daemon-uid --help) ;;
                sign-in:-*) candidates=(--json --host --socket --daemon-uid --help) ;;
                :-*) candidates=(--host --socket --daemon-uid --help --version) ;;
                :*) candidates=(run list describe check status cancel sign-in sign-out dial) ;;
                sign-in:*) [[ -n $job ]] || mapfile -t candidates < <(compgen -u -- "$cur") ;;
                cancel:*) [[ -n $job ]] || mapfile -t candidates < <(_pipeforkas_ids) ;;
                run:* | check:* | describe:*)
                    if [[ -z $job ]]; then
                        mapfile -t candidates < <(_pipeforkas_jobs)
                    elif [[ $command != describe && $cur == *=* ]]; then
                        mapfile -t candidates < <(_pipeforkas_values "$job" "${cur%%=*}" "${cur#*=}")
                        candidates=("${candidates[@]/#/${cur%%=*}=}")
                    elif [[ $command != describe ]]; then
                        mapfile -t candidates < <(_pipeforkas_parameters "$job" | cut -f 1 | sed 's/$/=/')
                    fi
                    ;;
            esac
            ;;
    esac

    # readline replaces only the last part of a word that it broke.
    local last=${COMP_WORDS[COMP_CWORD]} skip=0
    if [[ $last == [=:]* ]]; then
        skip=${#cur}
    elif [[ $cur == *"$last" ]]; then
        skip=$((${#cur} - ${#last}))
    fi
    COMPREPLY=()
    for word in "${candidates[@]}"; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("${word:skip}")
    done
    # It fails if no completion is active, as in a test.
    [[ ${COMPREPLY[0]-} != *= || ${#COMPREPLY[@]} -gt 1 ]] || compopt -o nospace 2>/dev/null
    [[ $prev != --socket && $cur != *=* ]] || compopt -o filenames 2>/dev/null
    return 0
}

complete -F _pipeforkas pipeforkas
