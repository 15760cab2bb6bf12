"""``python -m cli`` is the winnow command."""

import sys

from cli.main import main

sys.exit(main())
