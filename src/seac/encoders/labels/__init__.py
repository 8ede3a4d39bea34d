"""Descriptions of the encoders' class names, and the ConSE mapping to text space."""
