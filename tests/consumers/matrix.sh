# What the maker of an initramfs puts into it, of files of ours below /etc and /usr/lib and of Hyper-V's drivers,
# and what hvtune says of both. $row: a configuration below; each is its own root.
kernel=$(basename /lib/modules/*cloud*)
image=/boot/initrd.img-$kernel
chmod +x /program
# Of another kernel there is no more than an empty file.
find /boot -name 'initrd.img-*' ! -path "$image" -delete
hvtune() { /program --assume hyperv "$@"; }
printf '[set]\n"hv_storvsc.storvsc_ringbuffer_size" = 1048576\n' >/etc/hvtune.toml
list() { lsinitrd "$image"; }
make() { dracut --quiet --force "$image" "$kernel"; }
conf() { printf '%s\n' "$@" >/etc/dracut.conf.d/10-lab.conf; }
tools() {
    make() { mkinitramfs -o "$image" "$kernel"; }
    list() { lsinitramfs "$image"; }
}
case $row in
most | both) tools ;;
dep-list) tools && echo MODULES=list >/etc/initramfs-tools/conf.d/lab ;;
hostonly) conf 'hostonly="yes"' ;;
generic) conf 'hostonly="no"' ;;
named) conf 'hostonly="no"' 'install_items+=" /etc/modprobe.d/90-hvtune.conf /etc/udev/rules.d/90-hvtune.rules "' ;;
told) conf 'hostonly="yes"' && printf '[image]\nhyperv_drivers = true\n' >>/etc/hvtune.toml ;;
without-systemd) conf 'hostonly="yes"' 'omit_dracutmodules+=" systemd systemd-initrd dracut-systemd systemd-udevd "' ;;
esac
hvtune apply --no-activate >/dev/null
# What a running machine has, beside what an image has.
for path in $(cd / && find usr/lib -name '90-hvtune.*' ! -path '*/dracut/*'); do
    mkdir -p "/etc/$(dirname "${path#usr/lib/}")"
    cp -p "/$path" "/etc/${path#usr/lib/}"
done
# initramfs-tools leaves out what a package has, too.
[ "$row" = both ] || rm -f /usr/lib/udev/rules.d/90-hvtune.rules
make 2>/dev/null
echo '=== ours'
(cd / && find etc usr/lib -name '90-hvtune.*' ! -path '*/dracut*')
echo '=== inside'
list | sed -n 's/.*[ \/]\(\(etc\|usr\/lib\|lib\)\/[a-z.\/-]*\/90-hvtune\.[a-z]*\)$/\1/p; s/^\(\(etc\|usr\/lib\|lib\)\/[a-z.\/-]*\/90-hvtune\.[a-z]*\)$/\1/p' | sort -u
echo '=== drivers'
list | sed -n 's/.*\/\(hv_[a-z]*\)\.ko.*/\1/p' | sort -u
grep -o 'hv_[a-z]*\.ko' "/lib/modules/$kernel/modules.builtin" | sed 's/\.ko//' || true
echo '=== plan'
hvtune --format json plan
echo '=== revert'
hvtune --format json revert --no-activate
