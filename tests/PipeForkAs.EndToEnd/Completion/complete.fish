# Prints the completions of fish for a line.
#   fish complete.fish FOLDER-OF-COMPLETIONS LINE
source $argv[1]/pipeforkas.fish
complete -C $argv[2] | string replace -r '\t.*' ''
true # Having no match is not a failure.
