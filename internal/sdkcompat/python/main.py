"""Runs the rows of the modules that the plan names, in order: later ones find what
earlier ones have left."""

import importlib
import json
import sys

import kit

with open(sys.argv[1]) as plan:
    for module in json.load(plan)["modules"]:
        importlib.import_module(module)
kit.main(sys.argv[1])
