# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_hvtune_global_optspecs
    string join \n root= machine= assume= config= stall= q/quiet v/verbose format= h/help V/version
end

function __fish_hvtune_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_hvtune_global_optspecs) -- $cmd 2>/dev/null
    or argparse -s (__fish_hvtune_global_optspecs) -- $cmd value 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_hvtune_using_subcommand
    set -l cmd (__fish_hvtune_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c hvtune -n "__fish_hvtune_needs_command" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_needs_command" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_needs_command" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_needs_command" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_needs_command" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_needs_command" -l format -d 'How to print; prometheus and journal with verify, html with survive and postmortem [default: text]' -r -f -a "text\t''
json\t''
prometheus\t''
journal\t''
html\t''"
complete -c hvtune -n "__fish_hvtune_needs_command" -s q -l quiet -d 'Print no messages but errors'
complete -c hvtune -n "__fish_hvtune_needs_command" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_needs_command" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_needs_command" -s V -l version -d 'Print version'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "status" -d 'Show on one screen what survives, what differs, and what to do next'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "detect" -d 'Show the machine: hypervisor, disks, kernels, boot loader'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "plan" -d 'Show what apply would change'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "apply" -d 'Write the files, then set what can be set without a reboot'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "verify" -d 'Check that files and live values are as planned'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "survive" -d 'Show how long mounts survive a storage stall, and what breaks first'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "explain" -d 'Show all settings, or one: its value here, why, and sources'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "revert" -d 'Take back what apply wrote'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "reboot-needed" -d 'Tell by the exit code whether a reboot is needed'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "pending" -d 'List what build, first boot or a reboot has to do still'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "seal" -d 'Make a template ready to be cloned: forget what depends on this machine'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "postmortem" -d 'Tell from a log what happened, and whether the plan would have held'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "compare" -d 'Show guests side by side, and which facts explain a difference'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "leave-emergency" -d 'Restart out of emergency mode where nobody is at the console'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "capture" -d 'Record this machine in a directory or a .tar, for --machine and compare'
complete -c hvtune -n "__fish_hvtune_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c hvtune -n "__fish_hvtune_using_subcommand status" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand status" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand status" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand status" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand status" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand status" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand status" -s q -l quiet -d 'Print no messages but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand status" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand status" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand detect" -l only -d 'Show only settings, disks and mounts whose name matches' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand detect" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand detect" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand detect" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand detect" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand detect" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand detect" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand detect" -s q -l quiet -d 'Print no messages but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand detect" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand detect" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -l only -d 'Show only settings, disks and mounts whose name matches' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -l diff -d 'Show the changes to files as unified diffs'
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -l exit-code -d 'Exit with 1 if anything would change'
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -l layer -d 'Write an image layer: files of hvtune\'s own below /usr, and nothing else (with --root)'
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -s q -l quiet -d 'Print nothing but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand plan" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -l no-activate -d 'Change files only; set nothing on the running system'
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -l early -d 'For the boot unit: files only, before udev and sysctl read them'
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -l layer -d 'Write an image layer: files of hvtune\'s own below /usr, and nothing else (with --root)'
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -s q -l quiet -d 'Print nothing but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand apply" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand verify" -l only -d 'Show only settings, disks and mounts whose name matches' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand verify" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand verify" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand verify" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand verify" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand verify" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand verify" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''
prometheus\t''
journal\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand verify" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand verify" -s q -l quiet -d 'Print nothing but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand verify" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand survive" -l only -d 'Show only settings, disks and mounts whose name matches' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand survive" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand survive" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand survive" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand survive" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand survive" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand survive" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''
html\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand survive" -s q -l quiet -d 'Print no messages but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand survive" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand survive" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand explain" -l only -d 'Show only settings, disks and mounts whose name matches' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand explain" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand explain" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand explain" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand explain" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand explain" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand explain" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand explain" -s q -l quiet -d 'Print no messages but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand explain" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand explain" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand revert" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand revert" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand revert" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand revert" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand revert" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand revert" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand revert" -l no-activate -d 'Change files only; set nothing on the running system'
complete -c hvtune -n "__fish_hvtune_using_subcommand revert" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand revert" -s q -l quiet -d 'Print nothing but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand revert" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand reboot-needed" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand reboot-needed" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand reboot-needed" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand reboot-needed" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand reboot-needed" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand reboot-needed" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand reboot-needed" -s q -l quiet -d 'Print no messages but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand reboot-needed" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand reboot-needed" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand pending" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand pending" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand pending" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand pending" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand pending" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand pending" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand pending" -l layer -d 'Write an image layer: files of hvtune\'s own below /usr, and nothing else (with --root)'
complete -c hvtune -n "__fish_hvtune_using_subcommand pending" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand pending" -s q -l quiet -d 'Print nothing but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand pending" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand seal" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand seal" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand seal" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand seal" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand seal" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand seal" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand seal" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand seal" -s q -l quiet -d 'Print nothing but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand seal" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand postmortem" -l log -d 'The log: journalctl\'s or dmesg\'s text, the journal as JSON, a syslog file, a console; - is standard input [default: kern.log, messages or syslog below /var/log]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand postmortem" -l root -d 'Work on the image mounted at DIR; the build host is not looked at [default: /]' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand postmortem" -l machine -d 'Look at the machine that `hvtune capture` recorded (directory or .tar), not at this one' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand postmortem" -l assume -d 'Treat the target as a Hyper-V or Azure guest without looking at this host (for image builds)' -r -f -a "hyperv\t'A Hyper-V guest'
azure\t'A guest on Azure'"
complete -c hvtune -n "__fish_hvtune_using_subcommand postmortem" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand postmortem" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''
html\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand postmortem" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min; --budget is the same [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand postmortem" -s q -l quiet -d 'Print no messages but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand postmortem" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand postmortem" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand compare" -l config -d 'Read this policy file and no other' -r -F
complete -c hvtune -n "__fish_hvtune_using_subcommand compare" -l stall -d 'The longest storage stall to ride out, such as 90s or 5min [default: the policy\'s, else 180s]' -r
complete -c hvtune -n "__fish_hvtune_using_subcommand compare" -l format -d 'How to print [default: text]' -r -f -a "text\t''
json\t''"
complete -c hvtune -n "__fish_hvtune_using_subcommand compare" -s q -l quiet -d 'Print no messages but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand compare" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand compare" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand leave-emergency" -s q -l quiet -d 'Print no messages but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand leave-emergency" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand leave-emergency" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand capture" -s q -l quiet -d 'Print no messages but errors'
complete -c hvtune -n "__fish_hvtune_using_subcommand capture" -s v -l verbose -d 'Print reasons and sources, too'
complete -c hvtune -n "__fish_hvtune_using_subcommand capture" -s h -l help -d 'Print help'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "status" -d 'Show on one screen what survives, what differs, and what to do next'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "detect" -d 'Show the machine: hypervisor, disks, kernels, boot loader'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "plan" -d 'Show what apply would change'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "apply" -d 'Write the files, then set what can be set without a reboot'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "verify" -d 'Check that files and live values are as planned'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "survive" -d 'Show how long mounts survive a storage stall, and what breaks first'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "explain" -d 'Show all settings, or one: its value here, why, and sources'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "revert" -d 'Take back what apply wrote'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "reboot-needed" -d 'Tell by the exit code whether a reboot is needed'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "pending" -d 'List what build, first boot or a reboot has to do still'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "seal" -d 'Make a template ready to be cloned: forget what depends on this machine'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "postmortem" -d 'Tell from a log what happened, and whether the plan would have held'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "compare" -d 'Show guests side by side, and which facts explain a difference'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "leave-emergency" -d 'Restart out of emergency mode where nobody is at the console'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "capture" -d 'Record this machine in a directory or a .tar, for --machine and compare'
complete -c hvtune -n "__fish_hvtune_using_subcommand help; and not __fish_seen_subcommand_from status detect plan apply verify survive explain revert reboot-needed pending seal postmortem compare leave-emergency capture help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
