# fish completion for schedctl: asks schedctl itself, so that it never lags behind.

function __schedctl_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines ($words[1] __complete $words[2..-1] 2>/dev/null)
    if test "$lines[1]" = ":files"; or string match -q ":files*" -- "$lines[1]"
        __fish_complete_path (commandline -ct)
        return
    end
    test (count $lines) -gt 0; and printf '%s\n' $lines
end

# -k keeps the order given: jobs by time, commands as in --help.
complete -c schedctl -f -k -a '(__schedctl_complete)'
