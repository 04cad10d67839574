# The module that chooses drivers is the one in question; the others cost time.
make_image() { dracut --quiet --force --no-compress --modules 'base kernel-modules' --kver "$kernel" "$1"; }
list_image() { lsinitrd "$1"; }
says() { echo "$1" >/etc/dracut.conf.d/10-lab.conf; }
show generic
says 'omit_drivers+=" hv_storvsc "'
show omitted
says 'omit_drivers+=" hv_.* "'
show pattern
says 'drivers="ext4"'
show listed
apply
show applied
says 'hostonly="yes"'
show hostonly
revert
says 'drivers="ext4"'
show reverted
