"""`python -m safelight` is the `safelight` command."""

from safelight.cli.main import main

main()
