# Packer 1.7 and newer fetch their builders by this: `packer init plugins.pkr.hcl`, once. Packer 1.6 has them
# inside, and needs no such file. Each template beside it stands alone: build by its name, not by the directory.
packer {
  required_plugins {
    azure = {
      source  = "github.com/hashicorp/azure"
      version = ">= 2.0.0"
    }
    hyperv = {
      source  = "github.com/hashicorp/hyperv"
      version = ">= 1.1.0"
    }
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = ">= 1.1.0"
    }
  }
}
