"""How a command says that it cannot go on."""


class Stop(Exception):
    """The message is one sentence for the person at the terminal."""
