# Completes a line in a pseudo terminal, as a person would with the tab key, and prints each word that is offered.
#   zsh -f complete.zsh FOLDER-OF-COMPLETIONS LINE
# PATH must lead to pipeforkas.
zmodload zsh/zpty
offered=$(mktemp)
cat >$offered.rc <<'RC'
autoload -Uz compinit
compinit -u -D
compadd() {
    local -a words
    builtin compadd -O words "$@" 2>/dev/null
    (( $#words == 0 )) || print -rl -- "offered "${^words} >>$offered
    builtin compadd "$@"
}
offer() {
    zle complete-word
    print -r -- end >>$offered
}
zle -N offer
bindkey '^I' offer
print -r -- ready >>$offered
RC
until-says() {
    local -i tries
    for ((tries = 0; tries < 300; tries++)); do
        grep -qx $1 $offered && return
        zpty -r -t z >/dev/null
        sleep 0.1
    done
    print -u2 "zsh does not say $1"
    exit 1
}
zpty z zsh -f -i
zpty -w z "offered=$offered; fpath=(${(q)1} \$fpath); source $offered.rc"
until-says ready
zpty -w -n z "$2"$'\t'
until-says end
zpty -d z
sed -n 's/^offered //p' $offered
rm -f $offered $offered.rc
