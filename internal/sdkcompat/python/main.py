"""Runs every row, in order: later ones find what earlier ones have left."""

import sys

import kit
import calls  # noqa: F401
import spawns  # noqa: F401
import manage  # noqa: F401
import background  # noqa: F401
import hooks  # noqa: F401
import promises  # noqa: F401

kit.main(sys.argv[1])
