"""Class names of the encoders in plain words, and the ConSE mapping into text space."""
