"""``python -m bench``: the figures that the project promises, measured through the real thing.

A server process on loopback, devices of the SDK, both databases; one module for each group of rows.
"""

import sys
from pathlib import Path

# The world and the throwaway databases that tests play with are what is measured too.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
