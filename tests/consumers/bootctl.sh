# The ESP is a tmpfs at /boot, as this kernel may lack vfat. Each state is printed below a heading: what
# bootctl lists, then what kernel-install gives a new kernel.
mount -t tmpfs tmpfs /boot
mkdir -p /etc/kernel/install.d
echo 0123456789abcdef0123456789abcdef >/etc/machine-id
export SYSTEMD_ESP_PATH=/boot SYSTEMD_RELAX_ESP_CHECKS=1
# No initramfs is made here.
for plugin in /usr/lib/kernel/install.d/*; do
    case ${plugin##*/} in
    90-loaderentry.install) ;;
    *) ln -s /dev/null "/etc/kernel/install.d/${plugin##*/}" ;;
    esac
done
printf 'root=UUID=0a-1b ro quiet\n' >/etc/kernel/cmdline
printf 'UUID=0a-1b / xfs defaults 0 0\n' >/etc/fstab
printf 'recovery = "self-heal"\n' >/etc/hvtune.toml
: >/tmp/kernel
bootctl install --no-variables --esp-path=/boot >/dev/null 2>&1
show() {
    echo "=== $1"
    bootctl list --json=short --no-pager 2>/dev/null
    echo "--- $1"
    cat /etc/kernel/cmdline
}
# tuned's own profile is no matter here.
rm -rf /etc/tuned /usr/lib/tuned /usr/sbin/tuned
hvtune() { /program --assume hyperv "$@"; }
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
