# PYTHON_ARGCOMPLETE_OK
"""`python -m elmo_tasks`."""

from __future__ import annotations

import sys

from elmo_tasks.cli import main

sys.exit(main())
