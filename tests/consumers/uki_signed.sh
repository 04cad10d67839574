# Behind esp.sh: an image that is signed, and the step that hvtune leaves to somebody.
printf 'layout=uki\n' >/etc/kernel/install.conf
stub=/usr/lib/systemd/boot/efi
cp $stub/systemd-bootx64.efi /tmp/kernel 2>/dev/null || cp $stub/systemd-bootx64.efi.signed /tmp/kernel
cd /tmp
cp /key db.key
cp /certificate db.crt
mkdir -p /boot/EFI/Linux /boot/loader/addons
ukify build --linux=/tmp/kernel --cmdline='root=UUID=0a-1b ro quiet' --os-release=@/etc/os-release --uname=6.1.0-1 \
    --secureboot-private-key=db.key --secureboot-certificate=db.crt --output=/boot/EFI/Linux/a.efi >/dev/null
step() {
    /program --assume hyperv plan --format json |
        python3 -c 'import json, sys
steps = {step["step"]: step["command"] for step in json.load(sys.stdin)["pending"]}
print(steps.get("kernel-arguments", ""))'
}
command=$(step)
echo "step kernel-arguments: $command"
/program --assume hyperv apply --no-activate >/dev/null
[ ! -e /boot/loader/addons/zz-hvtune.addon.efi ]
eval "$command" >/dev/null
sbverify --cert db.crt /boot/loader/addons/zz-hvtune-signed.addon.efi
echo "=== signed"
bootctl list --json=short --no-pager 2>/dev/null
echo "--- signed"
[ -n "$(step)" ] || echo "later reboot-or-none"
# Ours, signed by somebody, stays ours.
rm /boot/loader/addons/*
sbattach --remove /boot/EFI/Linux/a.efi 2>/dev/null
/program --assume hyperv apply --no-activate >/dev/null
sbsign --key db.key --cert db.crt --output /boot/loader/addons/zz-hvtune.addon.efi /boot/loader/addons/zz-hvtune.addon.efi 2>/dev/null
sbverify --cert db.crt /boot/loader/addons/zz-hvtune.addon.efi >/dev/null
sha256sum /boot/loader/addons/zz-hvtune.addon.efi >/tmp/sum
/program --assume hyperv verify
/program --assume hyperv apply --no-activate >/dev/null
sha256sum --check --quiet /tmp/sum
/program --assume hyperv revert --no-activate
[ ! -e /boot/loader/addons/zz-hvtune.addon.efi ]
