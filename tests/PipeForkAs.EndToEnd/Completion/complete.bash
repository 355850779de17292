# Prints the completions of bash for a line, as readline passes it to the function: words are also broken at '='.
#   bash complete.bash FOLDER-OF-COMPLETIONS LINE
set -u
source "$1/pipeforkas.bash"
read -ra COMP_WORDS <<<"${2//=/ = }"
case $2 in *' ' | *=) COMP_WORDS+=("") ;; esac
[[ $2 != *= ]] || unset 'COMP_WORDS[-1]'
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function_name=$(complete -p pipeforkas | sed -E 's/.* -F ([^ ]+).*/\1/')
"$function_name" pipeforkas "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
