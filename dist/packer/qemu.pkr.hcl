# A Debian template for Hyper-V, built with QEMU: hvtune, its policy, and the gate.
#
#   packer init plugins.pkr.hcl
#   packer build -var hvtune=/path/to/hvtune qemu.pkr.hcl
#
# The machine that builds is no Hyper-V guest, so what is to come is named: --assume hyperv.
# `qemu-img convert -O vhdx output-qemu/disk.qcow2 template.vhdx` makes of it what Hyper-V takes.

variable "hvtune" {
  type    = string
  default = "/usr/sbin/hvtune"
}

variable "policy" {
  type    = string
  default = "hvtune.toml"
}

variable "image" {
  type    = string
  default = "https://cloud.debian.org/images/cloud/trixie/latest/debian-13-generic-amd64.qcow2"
}

variable "image_checksum" {
  type    = string
  default = "file:https://cloud.debian.org/images/cloud/trixie/latest/SHA512SUMS"
}

variable "accelerator" {
  type    = string
  default = "kvm"
}

variable "output" {
  type    = string
  default = "output-qemu"
}

variable "ssh_user" {
  type    = string
  default = "packer"
}

variable "ssh_password" {
  type    = string
  default = "packer"
}

# Left empty on an image that needs no seed.
variable "seed" {
  type    = string
  default = "seed"
}

variable "boot_minutes" {
  type    = string
  default = "10m"
}

source "qemu" "template" {
  iso_url          = var.image
  iso_checksum     = var.image_checksum
  disk_image       = true
  disk_interface   = "virtio"
  format           = "qcow2"
  vm_name          = "disk.qcow2"
  output_directory = var.output
  accelerator      = var.accelerator
  headless         = true
  http_directory   = var.seed
  qemuargs = [
    ["-m", "1024M"],
    ["-smbios", "type=1,serial=ds=nocloud-net;s=http://{{ .HTTPIP }}:{{ .HTTPPort }}/"],
    ["-serial", "null"],
  ]
  ssh_username     = var.ssh_user
  ssh_password     = var.ssh_password
  ssh_timeout      = var.boot_minutes
  shutdown_command = "sudo -n poweroff"
}

build {
  sources = ["source.qemu.template"]

  provisioner "file" {
    source      = var.hvtune
    destination = "/tmp/hvtune"
  }

  provisioner "file" {
    source      = var.policy
    destination = "/tmp/hvtune.toml"
  }

  provisioner "shell" {
    inline = [
      "sudo install -m 755 /tmp/hvtune /usr/sbin/hvtune",
      "sudo install -m 644 /tmp/hvtune.toml /etc/hvtune.toml",
      "rm /tmp/hvtune /tmp/hvtune.toml",
      "sudo hvtune --assume hyperv apply",
      # What a build has to do itself: `hvtune plan` names the command of each distribution. Debian's:
      "sudo update-initramfs -u -k all",
    ]
  }

  # The gate: exit code 1 ends the build. 3 says that a reboot is all that is missing.
  provisioner "shell" {
    inline           = ["sudo hvtune --assume hyperv verify"]
    valid_exit_codes = [0, 3]
  }
}
