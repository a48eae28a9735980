#!/bin/sh
# test_completions.sh ROOT HOLDFAST HOLDFASTD - the completions give what --help names, the programs
# take all of that, and the manual pages explain it. With bash; zsh where it is.
set -eu
root=$1 holdfast=$2 holdfastd=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain ()
{
    echo "$*" >&2
    bad=1
}

#  PROGRAM [COMMAND]: the options that --help names, as bash completes them.
options ()
{
    bash -c '. "$0"; _holdfast_options "$@"' "$root/packaging/completions/holdfast.bash" "$@"
}

#  What bash gives for the words of a line, the last of which is being typed.
bash_gives ()
{
    bash -c '. "$0"; complete() { :; }
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        "_$(basename "$1")" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"' "$root/packaging/completions/holdfast.bash" "$@" | sort -u
}

#  FILE: a manual page as plain text of words.
plain ()
{
    sed 's/\\-/-/g; s/\\f[BIR]//g; s/\\(aq/'"'"'/g' "$1"
}
plain "$root/docs/man/holdfast.1" > "$work/holdfast"
plain "$root/docs/man/holdfastd.8" > "$work/holdfastd"

#  OPTION PROGRAM [COMMAND]: it is one. What else is said about it is of no concern.
is_taken ()
{
    option=$1
    shift
    case $option in
    -c | --command) return 0 ;; #  of run: behind the name
    esac
    [ "$1" != "$holdfastd" ] || set -- "$@" --check #  with `--data --help` a node would run
    said=$(cd "$work" && HOLDFAST_ENDPOINTS=wrong timeout 10 "$@" "$option" --help 2>&1 < /dev/null) ||
        [ $? -lt 124 ] || complain "$* $option --help: it says $said"
    case $said in
    *"unknown option"* | *"unknown or ambiguous option"*) return 1 ;;
    esac
}

#  PROGRAM PAGE [COMMAND]
look ()
{
    program=$1 page=$2
    shift 2
    options "$program" "$@" > "$work/options"
    [ "$(wc -l < "$work/options")" -ge 1 ] || complain "$page $*: --help names no options"
    while read -r option; do
        grep -qe "[^a-zA-Z-]$option\([^a-zA-Z-]\|\$\)" "$work/$page" || complain "$page.1/8: $* $option is not explained"
        is_taken "$option" "$program" "$@" || complain "$page $*: --help names $option, which is none"
    done < "$work/options"
    bash_gives "$program" "$@" - | cmp -s - "$work/options" || complain "bash: $page $* gives other options"
    bash_gives "$program" "$@" --t | grep -v '^--t' | grep . && complain "bash: $page $* --t gives others"
    [ -z "$zsh" ] || zsh -f -c '. "$0"; _holdfast_options "$@"' "$root/packaging/completions/_holdfast" "$program" "$@" |
        cmp -s - "$work/options" || complain "zsh: $page $* gives other options"
}

zsh=$(command -v zsh || true)
look "$holdfastd" holdfastd
look "$holdfast" holdfast
"$holdfast" --help | sed -nE '/^commands/,/^$/ s/^  ([a-z]+)  .*/\1/p' > "$work/commands"
[ "$(wc -l < "$work/commands")" -ge 20 ] || complain "--help names few commands"
bash_gives "$holdfast" "" | cmp -s - "$(sort "$work/commands" > "$work/sorted" && echo "$work/sorted")" ||
    complain "bash gives other commands"
[ -z "$zsh" ] || zsh -f -c '. "$0"; _holdfast_commands "$1"' "$root/packaging/completions/_holdfast" "$holdfast" |
    sed 's/:.*//' | cmp -s - "$work/commands" || complain "zsh gives other commands"
while read -r command; do
    grep -qE "^\.(SS|TP|B|BR|SH|BI|RB).*\b$command\b" "$root/docs/man/holdfast.1" ||
        complain "holdfast.1 does not have $command"
    look "$holdfast" holdfast "$command"
done < "$work/commands"
[ "$(bash_gives "$holdfastd" --log-level w)" = warn ] || complain "bash does not know log levels"
[ "$(bash_gives "$holdfast" --endpoints run st)" = status ] || complain "bash takes a list for a command"
[ $bad -eq 0 ]
