# hvtune on a live root whose initramfs holds an option of a storage driver: the image is made anew, and one that
# its maker fails to make leaves the old one whole. $maker: `mkinitramfs` or `dracut`. Prints the facts, one a line.
kernel=$(basename /lib/modules/*cloud*)
image=/boot/initrd.img-$kernel
chmod +x /program
mkdir -p /boot/grub
echo '### BEGIN /etc/grub.d/10_linux ###' >/boot/grub/grub.cfg
# A root without GRUB is told by its name alone.
[ -e /usr/sbin/grub-mkconfig ] || echo '# default/grub.d' >/usr/sbin/grub-mkconfig
if [ "$maker" = dracut ]; then
    # The parts that matter; the others cost time.
    printf 'hostonly="no"\ncompress="cat"\ndracutmodules+=" base kernel-modules udev-rules "\n' >/etc/dracut.conf.d/10-lab.conf
    make() { dracut --quiet --force "$image" "$kernel"; }
    list() { lsinitrd "$image"; }
else
    make() { mkinitramfs -o "$image" "$kernel"; }
    list() { lsinitramfs "$image"; }
fi
hvtune() { /program --assume hyperv "$@"; }
# So short that no argument is wanted: there is no menu to be made anew.
pin() { printf 'stall = 120\n[set]\n"hv_storvsc.storvsc_ringbuffer_size" = %s\n' "$1" >/etc/hvtune.toml; }
held() { echo "$1 $(list | grep -c 'modprobe.d/90-hvtune.conf' || true)"; }
ring() {
    echo "ring, $1: $(hvtune verify --format json --only ringbuffer | tr '{' '\n' | sed -n 's/.*"state": "\([a-z-]*\)".*/\1/p' || true)"
}
stray() { echo "stray $(ls -A /boot | grep hvtune | tr '\n' ' ')"; }
make 2>/dev/null
pin 1048576
held before
hvtune plan | sed -n 's/^  remake  */planned  /p'
hvtune apply
held after
ring applied
stray
whole=$(stat -c %i "$image")
hvtune apply >/dev/null
[ "$whole" = "$(stat -c %i "$image")" ] && echo 'again: kept'

# An image that somebody brings back from before.
touch -d '2 hours ago' "$image"
ring outdated
hvtune plan | sed -n 's/^  remake  */outdated  /p'
hvtune apply --no-activate
ring untouched
hvtune apply >/dev/null
ring anew
hvtune revert
held reverted
stray

# A maker that fails, dies, or makes less: the old image stays.
real=$(command -v "$maker")
cp "$real" "/tmp/real-$maker"
# The last argument but one is the image.
for fault in 'exit 1' 'kill -9 $$' ': >"$new"' 'head -c 30000000 /dev/zero >"$new"' 'cp "$old" "$new"' "$less"; do
    whole=$(sha256sum <"$image")
    printf '#!/bin/bash\nold=%s new=${*: -2:1}\n%s\n' "$image" "$fault" >"$real"
    hvtune apply --format json | tr ',' '\n' | sed -n 's/.*"problem": /said: /p'
    [ "$whole" = "$(sha256sum <"$image")" ] && echo "kept: $fault" || echo "LOST: $fault"
    stray
    cp "/tmp/real-$maker" "$real"
    hvtune revert --no-activate >/dev/null
done

# No room beside the old one.
mount -t tmpfs -o size=$(($(stat -c %s "$image") + 4000000)) tmpfs /mnt
cp -a /boot/grub "$image" /mnt/
mount --bind /mnt /boot
whole=$(sha256sum <"$image")
hvtune apply --format json | tr ',' '\n' | sed -n 's/.*"problem": /said: /p'
[ "$whole" = "$(sha256sum <"$image")" ] && echo "kept: no room" || echo "LOST: no room"
stray
