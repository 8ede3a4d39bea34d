"""SAM, SAM-HQ and SAM 2.1 as promptable segmenters, on transformers' networks."""
