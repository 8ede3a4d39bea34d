"""Segmenters that are prompted with boxes."""
