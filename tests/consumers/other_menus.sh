# SUSE's GRUB and Azure Linux 3 with the real grub-mkconfig, under the names that they have it by. $STACK
# says which; prints how many entries have the argument.
cp "$PROGRAM" "$disk/tmp/hvtune"
menu=$disk/boot/grub2/grub.cfg
in_root() { chroot "$disk" "$@"; }
count() { echo "$1 $(grep -c "^[[:space:]]*linux.*quiet.* panic=10" "$menu" || true)"; }
mkdir -p "$disk/boot/grub2"
ln -sf grub-mkconfig "$disk/usr/sbin/grub2-mkconfig"
ln -sf grub-script-check "$disk/usr/bin/grub2-script-check"
rm -rf "$disk"/boot/grub/* "$disk"/etc/default/grub.d/*
mkdir -p "$disk/boot/grub" "$disk/etc/default/grub.d"
# Fragments are Debian's patch.
sed -i '/^for x in .*default\/grub\.d/,/^done/d' "$disk/usr/sbin/grub-mkconfig"
! grep -q 'default/grub\.d' "$disk/usr/sbin/grub-mkconfig"
rm -f "$disk/usr/sbin/update-grub"
printf 'recovery = "self-heal"\n' >"$disk/etc/hvtune.toml"
rm -f "$disk/etc/os-release"
case $STACK in
suse)
    printf 'ID=sles\nID_LIKE=suse\nVERSION_ID=15.5\n' >"$disk/etc/os-release"
    mkdir -p "$disk/etc/sysconfig"
    printf 'LOADER_TYPE="grub2"\n' >"$disk/etc/sysconfig/bootloader"
    printf 'GRUB_CMDLINE_LINUX=""\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n' >"$disk/etc/default/grub"
    ;;
azurelinux)
    printf 'ID=azurelinux\nVERSION_ID=3.0\n' >"$disk/etc/os-release"
    cat >"$disk/etc/default/grub" <<'X'
GRUB_CMDLINE_LINUX="quiet"
GRUB_CMDLINE_LINUX_DEFAULT="\$kernelopts"
for part in /etc/default/grub.d/*.cfg; do
	if [ -e "$part" ]; then . "$part"; fi
done
X
    ;;
esac
in_root grub2-mkconfig -o /boot/grub2/grub.cfg
cp "$disk/etc/default/grub" "$disk/tmp/defaults"
count before
in_root /tmp/hvtune --assume hyperv apply
count after
echo "row $(in_root /tmp/hvtune --assume hyperv verify -v | grep '^panic ')"
in_root /tmp/hvtune --assume hyperv revert
count reverted
cmp "$disk/etc/default/grub" "$disk/tmp/defaults" && echo "same"
echo "stray $(ls -A "$disk/boot/grub2" | grep hvtune | tr '\n' ' ')"
