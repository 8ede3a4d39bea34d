"""When masks sound, on audio of which the times are known."""
