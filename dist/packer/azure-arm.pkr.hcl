# A managed image on Azure. The sizes that it will run on are not known, so: --assume azure.
#
#   packer init plugins.pkr.hcl
#   packer build -var hvtune=/path/to/hvtune -var subscription=ID -var resource_group=NAME azure-arm.pkr.hcl
#
# Credentials come from `az login`, or from ARM_CLIENT_ID and its companions.

variable "hvtune" {
  type    = string
  default = "/usr/sbin/hvtune"
}

variable "policy" {
  type    = string
  default = "hvtune.toml"
}

variable "subscription" {
  type    = string
  default = "00000000-0000-0000-0000-000000000000"
}

variable "resource_group" {
  type    = string
  default = "images"
}

variable "location" {
  type    = string
  default = "westeurope"
}

source "azure-arm" "template" {
  use_azure_cli_auth                = true
  subscription_id                   = var.subscription
  location                          = var.location
  vm_size                           = "Standard_D2s_v5"
  os_type                           = "Linux"
  image_publisher                   = "Debian"
  image_offer                       = "debian-13"
  image_sku                         = "13-gen2"
  managed_image_name                = "hvtune-template"
  managed_image_resource_group_name = var.resource_group
}

build {
  sources = ["source.azure-arm.template"]

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
      "sudo hvtune --assume azure apply",
      # What a build has to do itself: `hvtune plan` names the command of each distribution. Debian's:
      "sudo update-initramfs -u -k all",
    ]
  }

  # The gate: exit code 1 ends the build. 3 says that a reboot is all that is missing.
  provisioner "shell" {
    inline           = ["sudo hvtune --assume azure verify"]
    valid_exit_codes = [0, 3]
  }

  # The last step, as Azure asks for it.
  provisioner "shell" {
    inline = ["sudo waagent -force -deprovision+user"]
  }
}
