"""The chip's modules where there is none, for the modules of the box that import them.

    with Installed(machine=chip, board=Board):
        from box import power

They are there for the import only, so that no other test finds them.
"""

import sys


class Installed:
    def __init__(self, **modules):
        self._modules = modules
        self._before = {}

    def __enter__(self):
        for name, module in self._modules.items():
            self._before[name] = sys.modules.get(name)
            sys.modules[name] = module

    def __exit__(self, *error):
        for name, module in self._before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
