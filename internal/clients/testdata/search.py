"""Searches files for values, in forms that the standard library of Python gives them.

python search.py search DIR <values.json   # {"NAME": {"value": …, "core": …}}
python search.py plant DIR <values.json    # first puts a form into every file

What it says is JSON: how many forms of each value it knows, which files it read
(compressed ones are unpacked), and which of them hold what. The core is the random
part of a value: half of it is enough, so that a value that was cut is found too.
"""

import base64
import binascii
import email.header
import gzip
import html
import json
import os
import quopri
import re
import shlex
import stat
import sys
import urllib.parse
import xml.sax.saxutils


def inside(encode, text, before):
    """What is the same in the base64 of text, whatever stands around it."""
    whole = encode(b"\0" * before + text).rstrip(b"=")
    start = (8 * before + 5) // 6
    return whole[start : 8 * (before + len(text)) // 6]


def forms(value, core):
    raw = value.encode()
    yield "verbatim", raw
    yield "upper", value.upper().encode()
    yield "lower", value.lower().encode()
    yield "latin1", raw.decode("latin-1").encode()
    for half in (core[: len(core) // 2], core[len(core) // 2 :]):
        yield "half", half.encode()
        yield "half, lower", half.lower().encode()
    for text, of in ((raw, ""), (core.encode(), " of the core")):
        for before in range(3):
            yield "base64 %d%s" % (before, of), inside(base64.b64encode, text, before)
            yield "base64url %d%s" % (before, of), inside(base64.urlsafe_b64encode, text, before)
        yield "base32" + of, base64.b32encode(text).rstrip(b"=")[: 8 * len(text) // 5]
        yield "ascii85" + of, base64.a85encode(text)[: len(text) // 4 * 5]
        yield "hex" + of, binascii.hexlify(text)
        yield "HEX" + of, binascii.hexlify(text).upper()
        yield "hex, spaced" + of, binascii.hexlify(text, " ")
        yield "percent, every byte" + of, b"".join(b"%%%02X" % c for c in text)
        yield "percent, every byte, lower" + of, b"".join(b"%%%02x" % c for c in text)
        yield "decimal entities" + of, "".join("&#%d;" % ord(c) for c in text.decode()).encode()
        yield "hexadecimal entities" + of, "".join("&#x%x;" % ord(c) for c in text.decode()).encode()
        yield "\\u" + of, "".join("\\u%04x" % ord(c) for c in text.decode()).encode()
        yield "\\x" + of, b"".join(b"\\x%02x" % c for c in text)
        yield "numbers" + of, ", ".join(str(c) for c in text).encode()
        yield "numbers, of Go" + of, " ".join(str(c) for c in text).encode()
        yield "utf-16-le" + of, text.decode().encode("utf-16-le")[:-1]
        yield "utf-16-be" + of, text.decode().encode("utf-16-be")[1:]
        yield "backwards" + of, text[::-1]
    yield "quote", urllib.parse.quote(value, safe="").encode()
    yield "quote of paths", urllib.parse.quote(value).encode()
    yield "quote_plus", urllib.parse.quote_plus(value).encode()
    yield "quote twice", urllib.parse.quote(urllib.parse.quote(value, safe=""), safe="").encode()
    yield "json", json.dumps(value)[1:-1].encode()
    yield "json, as it is", json.dumps(value, ensure_ascii=False)[1:-1].encode()
    yield "json in json", json.dumps(json.dumps(value))[1:-1].encode()
    yield "repr", repr(value)[1:-1].encode()
    yield "repr of bytes", repr(raw)[2:-1].encode()
    yield "html", html.escape(value).encode()
    yield "xml", xml.sax.saxutils.escape(value).encode()
    yield "shell", shlex.quote(value).encode()
    yield "quoted-printable", quopri.encodestring(raw).rstrip(b"=\n")
    yield "mail", str(email.header.Header(value, "utf-8", maxlinelen=998).encode()).encode()


def needles(values):
    """Distinct texts, each with what it is called."""
    found = {}
    for name, v in values.items():
        for form, text in forms(v["value"], v["core"]):
            assert len(text) >= 12, (form, text)
            found.setdefault(text, (name, form))
    return found


def regular(root):
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield path


def unpacked(path):
    with open(path, "rb") as f:
        data = f.read()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def plant(root, texts):
    for i, path in enumerate(sorted(regular(root))):
        data = unpacked(path) + b"<" + texts[i % len(texts)] + b">"
        os.chmod(path, 0o600)
        with open(path, "rb") as f:
            packed = f.read(2) == b"\x1f\x8b"
        with open(path, "wb") as f:
            f.write(gzip.compress(data) if packed else data)


def main():
    mode, root = sys.argv[1:]
    values = json.load(sys.stdin)
    all_forms = needles(values)
    if mode == "plant":
        plant(root, sorted(all_forms))
    any_form = re.compile(b"|".join(re.escape(t) for t in sorted(all_forms, key=len, reverse=True)))
    read, found = [], []
    for path in regular(root):
        read.append(path)
        for m in any_form.finditer(unpacked(path)):
            found.append([path, *all_forms[m.group()]])
    counts = {name: sum(n == name for n, _ in all_forms.values()) for name in values}
    json.dump({"forms": counts, "read": read, "found": found}, sys.stdout)


main()
