# Prints the menu without and with the fragment, each after a line of its own.
fragment=etc/default/grub.d/90-hvtune.cfg
mv "$disk/$fragment" "$disk/tmp/fragment"
chroot "$disk" grub-mkconfig -o /tmp/without
echo '### menu without'
cat "$disk/tmp/without"
mv "$disk/tmp/fragment" "$disk/$fragment"
chroot "$disk" grub-mkconfig -o /tmp/with
echo '### menu with'
cat "$disk/tmp/with"
