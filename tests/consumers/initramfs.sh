# Sourced before initramfs-tools.sh and dracut.sh, which say how an image is made and listed: what a maker puts
# into an initramfs of each configuration, below a heading, and what hvtune says of it.
kernel=$(basename /lib/modules/*cloud*)
cd /tmp
chmod +x /program
hvtune() { /program --assume hyperv "$@"; }
show() {
    echo "=== $1"
    make_image /tmp/image 2>/dev/null
    list_image /tmp/image | sed -n 's/.*\/\(hv_[a-z]*\|nvme\|pci-hyperv\)\.ko.*/\1/p' | sort -u
    echo "--- $1"
    hvtune --format json plan
}
apply() {
    printf '[image]\nhyperv_drivers = true\n' >/etc/hvtune.toml
    hvtune apply --no-activate >/dev/null
}
revert() {
    hvtune revert >/dev/null
    rm /etc/hvtune.toml
}
