# What initramfs-tools puts into an initramfs of each configuration, below a heading: the drivers of Hyper-V,
# then what hvtune says of it.
kernel=$(basename /lib/modules/*cloud*)
cd /tmp
chmod +x /program
hvtune() { /program --assume hyperv "$@"; }
show() {
    echo "=== $1"
    mkinitramfs -o /tmp/image "$kernel" 2>/dev/null
    lsinitramfs /tmp/image | sed -n 's/.*\/\(hv_[a-z]*\|nvme\|pci-hyperv\)\.ko.*/\1/p' | sort -u
    echo "--- $1"
    hvtune --format json plan
}
echo MODULES=list >/etc/initramfs-tools/conf.d/lab
show list
printf '[image]\nhyperv_drivers = true\n' >/etc/hvtune.toml
hvtune apply --no-activate >/dev/null
show applied
hvtune revert >/dev/null
rm /etc/hvtune.toml
show reverted
echo hv-storvsc >>/etc/initramfs-tools/modules
show named
echo MODULES=most >/etc/initramfs-tools/conf.d/lab
show most
