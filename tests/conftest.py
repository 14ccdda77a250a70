import os
import signal

from hypothesis import settings

import run_folder

# A shell that runs the tests in the background has Ctrl-C ignored, and every program that a test
# starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A worker writes where the run does that started it.
if "PYTEST_XDIST_WORKER" not in os.environ:
    run_folder.enter()

pytest_plugins = ["postgres", "databases", "crashing"]

# Machines are shared and slow at times: a property is judged by what it finds, not by how long
# one example took. What is judged is the change: the same tests draw the same examples each time.
# `make explore` draws others.
settings.register_profile("fieldward", deadline=None, print_blob=True, derandomize=True)
settings.register_profile(
    "explore", settings.get_profile("fieldward"), derandomize=False, max_examples=1000
)
settings.load_profile("fieldward")
