# A root with systemd-boot whose ESP is a tmpfs at /boot, as this kernel may lack vfat. Comes before the script that
# uses it.
mount -t tmpfs tmpfs /boot
mkdir -p /etc/kernel/install.d
echo 0123456789abcdef0123456789abcdef >/etc/machine-id
export SYSTEMD_ESP_PATH=/boot SYSTEMD_RELAX_ESP_CHECKS=1
printf 'root=UUID=0a-1b ro quiet\n' >/etc/kernel/cmdline
printf 'UUID=0a-1b / xfs defaults 0 0\n' >/etc/fstab
# One argument is enough to see where they go.
printf 'stall = 120\noff = ["boot.crash_reboot", "boot.dracut_emergency"]\nrecovery = "self-heal"\n' >/etc/hvtune.toml
# tuned's own profile is no matter here.
rm -rf /etc/tuned /usr/lib/tuned /usr/sbin/tuned
bootctl install --no-variables --esp-path=/boot >/dev/null 2>&1
hvtune() { /program --assume hyperv "$@"; }

# only NAME...: these of kernel-install's plugins stay, so that no initramfs is made.
only() {
    local plugin
    for plugin in /usr/lib/kernel/install.d/*; do
        case " $* " in
        *" ${plugin##*/} "*) ;;
        *) ln -sf /dev/null "/etc/kernel/install.d/${plugin##*/}" ;;
        esac
    done
}
