# Completion of holdfast and holdfastd for bash. What there is, the program's own --help says: it
# names all commands and options, and a test compares it with what is taken.

# PROGRAM [COMMAND]: its options, one a line.
_holdfast_options ()
{
    "$@" --help 2> /dev/null | sed -nE '/^ {2,6}-/ { s/^ +//; s/  .*//; s/[][,;|=]/ /g; p }' |
        tr ' ' '\n' | grep -E '^--?[A-Za-z]' | sort -u
}

# PROGRAM: its commands, one a line.
_holdfast_commands ()
{
    "$1" --help 2> /dev/null | sed -nE '/^commands/,/^$/ s/^  ([a-z]+)  .*/\1/p'
}

# The values of an option; fails when it has none that are known.
_holdfast_values ()
{
    case $1 in
    -l | --log-level) echo error warn info debug ;;
    --log-format) echo text json journal ;;
    *) return 1 ;;
    esac
}

# PROGRAM WORD BEFORE OPTIONS: complete an option, one of its values, or a file.
_holdfast_reply ()
{
    local values
    if [[ $1 == *holdfastd ]] && values=$(_holdfast_values "$3"); then
        COMPREPLY=($(compgen -W "$values" -- "$2"))
    elif [[ $2 == -* ]]; then
        COMPREPLY=($(compgen -W "$4" -- "$2"))
    fi
}

_holdfastd ()
{
    COMPREPLY=()
    _holdfast_reply "$1" "$2" "$3" "$(_holdfast_options "$1")"
}

_holdfast ()
{
    local at command=
    COMPREPLY=()
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
        --)
            declare -F _command_offset > /dev/null && _command_offset $((at + 1))
            return
            ;;
        --endpoints | --key | --keys) ((at++)) ;;
        -*) ;;
        *) [[ -n $command ]] || command=${COMP_WORDS[at]} ;;
        esac
    done
    if [[ -n $command && $command != help ]]; then
        _holdfast_reply "$1" "$2" "$3" "$(_holdfast_options "$1" "$command")"
    elif [[ $2 == -* ]]; then
        _holdfast_reply "$1" "$2" "$3" "$(_holdfast_options "$1")"
    else
        COMPREPLY=($(compgen -W "$(_holdfast_commands "$1")" -- "$2"))
    fi
}

complete -o default -F _holdfast holdfast
complete -o default -F _holdfastd holdfastd
