# GRUB wants a file system on a disk to find its root on: one is made of the
# stage's root in a loop device, which only here is called /dev/sda, because
# 10_linux writes no entry for a root on a loop device. /usr and /var are the stage's.
tree=$UPPER/../tree disk=$UPPER/../disk
mkdir "$tree" "$disk" "$tree"/{usr,var,proc,dev,sys,run,tmp,root}
cp -a "$MERGED"/{bin,sbin,lib,lib64,boot,etc} "$tree"
truncate -s 512M "$disk.img"
mke2fs -q -t ext4 -d "$tree" "$disk.img"
loop=$(losetup --find --show "$disk.img")
mount -t tmpfs -o mode=755 dev /dev
mknod /dev/sda b 7 "${loop#/dev/loop}"
mknod -m 666 /dev/null c 1 3
mount /dev/sda "$disk"
losetup --detach /dev/sda # takes effect when the mount goes
mount --bind "$MERGED/usr" "$disk/usr"
mount --bind "$MERGED/var" "$disk/var"
mount --bind /dev "$disk/dev"
mount -t proc proc "$disk/proc"
