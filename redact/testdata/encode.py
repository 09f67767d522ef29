"""Writes, for each value of a JSON list on standard input, what Python's own
encoders make of it: a JSON list of [value number, encoder, text in base64, whole].
A whole text has line breaks in it, and is to be found in complete bodies."""
import base64, binascii, codecs, html, json, quopri, random, shlex, sys, textwrap, urllib.parse
from email.header import Header
from email.mime.text import MIMEText
from xml.sax import saxutils

values, seed = json.load(sys.stdin), int(sys.argv[1])
rnd = random.Random(seed)
out = []


def emit(i, by, text, whole=False):
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogatepass")
    out.append([i, by, base64.b64encode(text).decode(), whole])


def noise(n):
    return bytes(rnd.randrange(33, 127) for _ in range(n))


def wraps(i, by, text):
    """Every usual way to wrap a text that is already encoded."""
    for width in (60, 64, 76):
        for end in ("\n", "\r\n"):
            lines = textwrap.wrap(text, width, break_on_hyphens=False)
            emit(i, f"{by} at {width} {end!r}", end.join(lines) + end, len(lines) > 1)
    emit(i, by + " indented", "  " + "\n  ".join(textwrap.wrap(text, 64)), True)


for i, v in enumerate(values):
    b = v.encode()
    one_line = "\n" not in v
    emit(i, "as it is", v, not one_line)
    emit(i, "upper", v.upper())
    emit(i, "lower", v.lower())
    for n in range(7):  # every length of a user name, and Basic credentials of it
        user = noise(n).replace(b":", b";")
        emit(i, f"Basic, user of {n}", b"Basic " + base64.b64encode(user + b":" + b))
        around = noise(n) + b + noise(rnd.randrange(4))
        emit(i, f"base64 behind {n}", base64.b64encode(around))
        emit(i, f"urlsafe behind {n}", base64.urlsafe_b64encode(around).rstrip(b"="))
        wraps(i, f"wrapped base64 behind {n}", base64.b64encode(noise(90 + n) + b + noise(200)).decode())
        emit(i, f"encodebytes behind {n}", base64.encodebytes(noise(40 + n) + b), True)
        emit(i, f"encodebytes in JSON behind {n}", json.dumps(base64.encodebytes(noise(40 + n) + b).decode()))
        emit(i, f"percent of base64 behind {n}", urllib.parse.quote(base64.b64encode(around), safe=""))
    emit(i, "hexlify", binascii.hexlify(b))
    emit(i, "HEXLIFY", binascii.hexlify(b).upper())
    emit(i, "quote", urllib.parse.quote(v))
    emit(i, "quote safe=''", urllib.parse.quote(v, safe=""))
    emit(i, "quote_plus", urllib.parse.quote_plus(v))
    emit(i, "quote lower", urllib.parse.quote(v, safe="").replace("%2F", "%2f").replace("%3D", "%3d"))
    emit(i, "quote twice", urllib.parse.quote(urllib.parse.quote(v, safe=""), safe=""))
    emit(i, "all %XX", "".join("%%%02X" % c for c in b))
    emit(i, "all %xx", "".join("%%%02x" % c for c in b))
    emit(i, "some %XX", "".join("%%%02X" % c if rnd.random() < 0.5 or c < 33 or c == 37 else chr(c) for c in b).encode("latin-1"))
    emit(i, "json", json.dumps(v))
    emit(i, "json without ascii", json.dumps(v, ensure_ascii=False))
    emit(i, "json in json", json.dumps(json.dumps(v)))
    emit(i, "json in json in ascii", json.dumps(json.dumps(v, ensure_ascii=False)))
    emit(i, "json, slashes", json.dumps(v).replace("/", "\\/"))
    emit(i, "all \\u", "".join("\\u%04x" % u for u in memoryview(v.encode("utf-16-le")).cast("H")))
    emit(i, "all \\U", "".join("\\u%04X" % u for u in memoryview(v.encode("utf-16-le")).cast("H")))
    emit(i, "repr", repr(v))
    emit(i, "ascii", ascii(v))
    emit(i, "shlex", shlex.quote(v))
    emit(i, "sql", "'" + v.replace("'", "''") + "'")
    emit(i, "repr of bytes", repr(b))
    emit(i, "html.escape", html.escape(v))
    emit(i, "saxutils.escape", saxutils.escape(v))
    emit(i, "saxutils.quoteattr", saxutils.quoteattr(v))
    emit(i, "xmlcharrefreplace", html.escape(v).encode("ascii", "xmlcharrefreplace"))
    emit(i, "decimal", "".join("&#%d;" % ord(c) for c in v))
    emit(i, "hexadecimal", "".join("&#x%x;" % ord(c) for c in v))
    emit(i, "HEXADECIMAL", "".join("&#x%X;" % ord(c) for c in v))
    if all(ord(c) < 256 for c in v):  # with others, its bytes are control bytes too
        for name in ("utf-16-le", "utf-16-be", "utf-16"):
            emit(i, name, v.encode(name))
            emit(i, name + " amid text", ("x=" + v + "&y").encode(name))
        emit(i, "utf-16 with BOM", codecs.BOM_UTF16_BE + v.encode("utf-16-be"))
    emit(i, "quopri", quopri.encodestring(b), True)
    emit(i, "quopri header", quopri.encodestring(b, header=True), len(v) > 60)
    for at in sorted(rnd.sample(range(76), 6)):  # soft breaks at any byte
        emit(i, f"quopri behind {at}", quopri.encodestring(noise(at) + b + noise(80)), True)
        emit(i, f"quopri behind {at}, CRLF", quopri.encodestring(noise(at) + b + noise(80)).replace(b"\n", b"\r\n"), True)
        emit(i, f"uppercase hex behind {at}", "\n".join(textwrap.wrap((noise(at) + b + noise(80)).hex().upper(), 76)), True)
    if one_line:
        emit(i, "email, base64", MIMEText("key: " + v + " é", "plain", "utf-8").as_bytes(), True)
        emit(i, "header, Q", Header(v, "utf-8", maxlinelen=400).encode() if v.isascii() else b"", False)
json.dump(out, sys.stdout)
