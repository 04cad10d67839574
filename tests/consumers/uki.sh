# Behind esp.sh. Each state is printed below a heading: what bootctl lists, and how a file compares with what it was.
only 60-ukify.install 90-uki-copy.install
printf 'layout=uki\nuki_generator=ukify\n' >/etc/kernel/install.conf
stub=/usr/lib/systemd/boot/efi
# Any EFI image is kernel enough for ukify.
cp $stub/systemd-bootx64.efi /tmp/kernel 2>/dev/null || cp $stub/systemd-bootx64.efi.signed /tmp/kernel
show() {
    echo "=== $1"
    bootctl list --json=short --no-pager 2>/dev/null
    echo "--- $1"
}
ours=/boot/loader/addons/zz-hvtune.addon.efi
kernel-install add 6.1.0-1 /tmp/kernel
show before
hvtune apply --no-activate
show applied
ukify inspect $ours --section=.cmdline:text --section=.sbat:text
if [ -x /usr/bin/sbverify ]; then sbverify --list $ours 2>&1; fi
# What ukify makes of the same arguments, by its own stub.
ukify build --stub=$stub/addonx64.efi.stub --cmdline='panic=10' --sbat="$(sed 's/^ *//' <<SBAT
sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md
uki-addon.hvtune,1,hvtune,addon,1,https://www.freedesktop.org/software/systemd/man/latest/systemd-stub.html
SBAT
)" --output=/tmp/theirs.efi >/dev/null
for file in $ours /tmp/theirs.efi; do
    echo "sections $(ukify inspect $file --json=short --section=.cmdline:text --section=.sbat:text)"
done
# Somebody's addons, and a kernel more.
ukify build --stub=$stub/addonx64.efi.stub --cmdline='panic=3 their=1' --output=/boot/loader/addons/50-site.addon.efi >/dev/null
kernel-install add 6.1.0-2 /tmp/kernel
image=$(find /boot/EFI/Linux -name '*6.1.0-1*.efi')
mkdir -p $image.extra.d
ukify build --stub=$stub/addonx64.efi.stub --cmdline='panic=4 base=1' --output=$image.extra.d/kernel.addon.efi >/dev/null
hvtune apply --no-activate
find /boot -name 'zz-*' | sort
show added
hvtune verify
hvtune apply --no-activate
# The kernel goes, and our addon beside it.
kernel-install remove 6.1.0-1
hvtune apply --no-activate
hvtune verify
hvtune revert --no-activate
show reverted
find /boot -name '*hvtune*'
ls -a /boot/loader/addons
