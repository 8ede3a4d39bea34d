"""Every protocol of the field, as pure functions and as torchmetrics classes."""
