# What dracut puts into an initramfs of each configuration, below a heading: the drivers of Hyper-V, then what
# hvtune says of it. The module that chooses drivers is the one in question; the others cost time.
kernel=$(basename /lib/modules/*cloud*)
cd /tmp
chmod +x /program
hvtune() { /program --assume hyperv "$@"; }
show() {
    echo "=== $1"
    dracut --quiet --force --no-compress --modules 'base kernel-modules' --kver "$kernel" /tmp/image 2>/dev/null
    lsinitrd /tmp/image | sed -n 's/.*\/\(hv_[a-z]*\|nvme\|pci-hyperv\)\.ko.*/\1/p' | sort -u
    echo "--- $1"
    hvtune --format json plan
}
says() { echo "$1" >/etc/dracut.conf.d/10-lab.conf; }
show generic
says 'omit_drivers+=" hv_storvsc "'
show omitted
says 'drivers="ext4"'
show listed
printf '[image]\nhyperv_drivers = true\n' >/etc/hvtune.toml
hvtune apply --no-activate >/dev/null
show applied
says 'hostonly="yes"'
show hostonly
hvtune revert >/dev/null
rm /etc/hvtune.toml
says 'drivers="ext4"'
show reverted
