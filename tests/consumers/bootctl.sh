# Behind esp.sh. Each state is printed below a heading: what bootctl lists, then what kernel-install gives a new
# kernel.
only 90-loaderentry.install
: >/tmp/kernel
show() {
    echo "=== $1"
    bootctl list --json=short --no-pager 2>/dev/null
    echo "--- $1"
    cat /etc/kernel/cmdline
}
kernel-install add 6.1.0-1 /tmp/kernel
show before
hvtune apply --no-activate
show applied
kernel-install add 6.1.0-2 /tmp/kernel
show added
hvtune apply --no-activate
hvtune verify
hvtune revert --no-activate
show reverted
