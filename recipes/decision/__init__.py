"""How the constants of the decision are chosen."""
