make_image() { mkinitramfs -o "$1" "$kernel"; }
list_image() { lsinitramfs "$1"; }
says() { echo "$1" >/etc/initramfs-tools/conf.d/lab; }
says MODULES=list
show list
apply
show applied
revert
show reverted
echo hv-storvsc >>/etc/initramfs-tools/modules
show named
says MODULES=most
show most
