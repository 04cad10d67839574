# A template installed from an ISO on a Hyper-V host: the guest that is built is the guest that will run, but
# what depends on its sizes must not be baked in, so it is named and not looked at: --assume hyperv.
#
#   packer init plugins.pkr.hcl
#   packer build -var hvtune=/path/to/hvtune -var iso=/path/to/iso hyperv-iso.pkr.hcl

variable "hvtune" {
  type    = string
  default = "/usr/sbin/hvtune"
}

variable "policy" {
  type    = string
  default = "hvtune.toml"
}

variable "iso" {
  type    = string
  default = "debian-13-amd64-netinst.iso"
}

variable "iso_checksum" {
  type    = string
  default = "none"
}

variable "switch" {
  type    = string
  default = "Default Switch"
}

# A directory of yours with preseed.cfg, the installer's answers; none comes with this.
variable "answers" {
  type    = string
  default = "seed"
}

variable "ssh_password" {
  type    = string
  default = "packer"
}

source "hyperv-iso" "template" {
  iso_url              = var.iso
  iso_checksum         = var.iso_checksum
  generation           = 2
  enable_secure_boot   = true
  secure_boot_template = "MicrosoftUEFICertificateAuthority"
  switch_name          = var.switch
  memory               = 2048
  disk_size            = 20480
  http_directory       = var.answers
  boot_command = [
    "c<wait>",
    "linux /install.amd/vmlinuz auto=true priority=critical url=http://{{ .HTTPIP }}:{{ .HTTPPort }}/preseed.cfg<enter>",
    "initrd /install.amd/initrd.gz<enter>boot<enter>",
  ]
  ssh_username     = "packer"
  ssh_password     = var.ssh_password
  ssh_timeout      = "60m"
  shutdown_command = "sudo -n poweroff"
}

build {
  sources = ["source.hyperv-iso.template"]

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
