# hvtune on a live root with GRUB: the menu is made anew, and a run that is killed
# half-way leaves the old one whole. Prints the facts, one a line.
cp "$PROGRAM" "$disk/tmp/hvtune"
menu=$disk/boot/grub/grub.cfg
in_root() { chroot "$disk" "$@"; }
stray() { echo "stray $(ls -A "$disk/boot/grub" | grep hvtune | tr '\n' ' ')"; }
count() { grep -c "^[[:space:]]*linux.* panic=10" "$menu" || true; }
mkdir -p "$disk/boot/grub"
in_root grub-mkconfig -o /boot/grub/grub.cfg
mkdir -p "$disk/etc"
printf 'recovery = "self-heal"\n' >"$disk/etc/hvtune.toml"
echo "before $(count)"
in_root /tmp/hvtune --assume hyperv apply
echo "after $(count)"
stray
in_root /tmp/hvtune --assume hyperv apply
before=$(sha256sum <"$menu")
in_root /tmp/hvtune --assume hyperv revert
echo "reverted $(count)"

# A menu generator that fails, dies or loses a kernel: the live menu stays.
real=$disk/usr/sbin/grub-mkconfig
cp "$real" "$disk/tmp/real-mkconfig"
for fault in 'exit 1' 'kill -9 $$' ': >"$2"' 'echo "menuentry x {" >"$2"' '/tmp/real-mkconfig -o "$2"; sed -i "/initrd/d" "$2"'; do
    whole=$(sha256sum <"$menu")
    printf '#!/bin/sh\n# default/grub.d\n%s\n' "$fault" >"$real"
    in_root /tmp/hvtune --assume hyperv apply --format json | sed 's/^/said: /'
    [ "$whole" = "$(sha256sum <"$menu")" ] && echo "kept: $fault" || echo "LOST: $fault"
    stray
    cp "$disk/tmp/real-mkconfig" "$real"
    in_root /tmp/hvtune --assume hyperv revert --no-activate
done
