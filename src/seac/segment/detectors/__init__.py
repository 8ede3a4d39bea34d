"""Class-agnostic detectors, one file each; MDef-DETR has a package of its own."""
