"""EMR clusters whose steps run on this machine."""
