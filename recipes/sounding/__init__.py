"""The recipe of the class heads and the sounding head: ``python -m recipes.sounding --help``."""
