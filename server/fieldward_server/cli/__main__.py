"""``python -m fieldward_server.cli``: the command line without an installed script."""

from fieldward_server.cli import main

main()
