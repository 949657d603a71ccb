# bash completion for schedctl: asks schedctl itself, so that it never lags behind.
# Needs the helpers of the bash-completion package, which loads this file when it is needed.

_schedctl() {
    local cur words cword
    if declare -F _get_comp_words_by_ref >/dev/null; then
        # Names hold colons and options may hold =: neither ends a word here.
        _get_comp_words_by_ref -n := cur words cword
    else
        cur=${COMP_WORDS[COMP_CWORD]}
        words=("${COMP_WORDS[@]}")
        cword=$COMP_CWORD
    fi

    local line
    COMPREPLY=()
    while IFS= read -r line; do
        line=${line%%$'\t'*}
        if [[ $line == :files ]]; then
            compopt -o default 2>/dev/null
            COMPREPLY=()
            return
        fi
        # Names come from other people: %q keeps the shell from reading them as code.
        printf -v line %q "$line"
        COMPREPLY+=("$line")
    done < <("${words[0]}" __complete "${words[@]:1:cword}" 2>/dev/null)

    # To readline = ends a word, so that what stands before it must not be said again.
    if [[ $cur == --*=* && $COMP_WORDBREAKS == *=* ]]; then
        COMPREPLY=("${COMPREPLY[@]#--*=}")
    fi
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$cur"
    fi
}

complete -F _schedctl schedctl
