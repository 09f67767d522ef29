# agentsecrets: Python finds this by PYTHONPATH when it starts. It lets TLS
# clients trust the proxy's CA that bring roots of their own (stripe, certifi),
# and aiohttp read the proxy variables. Then it makes way for the sitecustomize
# that it stands in front of. Whatever goes wrong here is told in one line, and
# the program goes on. The syntax is that of every Python since 2.7.
def _prepare():
    import os
    import sys

    told = []

    def tell(error):
        if not told and sys.stderr is not None:
            told.append(error)
            sys.stderr.write("agentsecrets: the hook for Python failed: %s: %s\n" % (type(error).__name__, error))

    path = os.environ.get("AGENTSECRETS_CA")
    if not path or sys.version_info < (3, 6):
        return

    def patch_ssl(ssl):
        context = ssl.SSLContext
        add = context.load_verify_locations
        roots = []

        def trust(self):
            try:
                # A server's roots say whose clients it lets in. Before 3.10
                # contexts do not tell; our CA signs no client, though.
                if self.protocol == ssl.PROTOCOL_TLS_SERVER:
                    return
                if not roots:
                    with open(path) as file:
                        roots.append(file.read())
                add(self, cadata=roots[0])
            except Exception as error:
                tell(error)

        def also(name):
            before = getattr(context, name)

            def method(self, *args, **kwargs):
                before(self, *args, **kwargs)
                trust(self)

            method.__name__, method.__doc__ = name, before.__doc__
            method.__qualname__ = "SSLContext." + name
            setattr(context, name, method)

        also("load_verify_locations")
        also("set_default_verify_paths")  # load_default_certs calls it

    def patch_aiohttp(client):
        import functools

        before = client.ClientSession.__init__

        @functools.wraps(before)
        def init(self, *args, **kwargs):
            kwargs.setdefault("trust_env", True)
            before(self, *args, **kwargs)

        client.ClientSession.__init__ = init

    patches = {"ssl": patch_ssl, "aiohttp.client": patch_aiohttp}

    class Loader(object):
        """Loads as the module's own loader does, then patches."""

        def __init__(self, loader, patch):
            self.loader, self.patch = loader, patch

        def __getattr__(self, name):
            return getattr(self.loader, name)

        def create_module(self, spec):
            return self.loader.create_module(spec)

        def exec_module(self, module):
            module.__spec__.loader = module.__loader__ = self.loader
            self.loader.exec_module(module)
            try:
                self.patch(module)
            except Exception as error:
                tell(error)

    class Finder(object):
        def find_spec(self, name, path=None, target=None):
            if name not in patches:
                return None
            for finder in sys.meta_path:
                find = getattr(finder, "find_spec", None)
                spec = None if finder is self or find is None else find(name, path, target)
                if spec is not None:
                    if hasattr(spec.loader, "exec_module"):
                        spec.loader = Loader(spec.loader, patches[name])
                    return spec
            return None

    try:
        for name in patches:
            if name in sys.modules:
                patches[name](sys.modules[name])
        sys.meta_path.insert(0, Finder())
    except Exception as error:
        tell(error)


def _give_way():
    """Runs the next sitecustomize on the path, under its own name.

    Of several hooks, one in front of the other, only the first prepares; sys
    remembers where they are. What that sitecustomize raises is its own affair."""
    import os
    import sys

    hooks = sys.__dict__.setdefault("_agentsecrets_hooks", [])
    if not hooks:
        _prepare()
    hooks.append(os.path.dirname(os.path.abspath(__file__)))
    rest = [entry for entry in sys.path if os.path.abspath(entry) not in hooks]
    if sys.version_info < (3, 6):
        import imp

        try:
            found = imp.find_module("sitecustomize", rest)
        except ImportError:
            return
        imp.load_module("sitecustomize", *found)
        return
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        module = sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(module)


_give_way()
