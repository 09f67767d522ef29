"""Writes what Python's own encoders make of each value that a JSON object on
standard input lists: a JSON list of [value number, name, kind of text, text in
base64]. Names that begin with "residual: " are not expected to be found again."""
import base64, binascii, codecs, csv, gzip, html, html.entities, io, json, quopri, shlex, sqlite3, string
import sys, textwrap, urllib.parse
from email.header import Header
from email.mime.text import MIMEText
from xml.sax import saxutils

asked = json.load(sys.stdin)
users, before, after = asked["users"], asked["before"].encode(), asked["after"].encode()
sql = sqlite3.connect(":memory:")
named = {}
for name, text in html.entities.html5.items():
    if len(text) == 1 and name.endswith(";"):
        if text not in named or (len(name), name) < (len(named[text]), named[text]):
            named[text] = name


def wrapped(text, width, end="\n"):
    return end.join(text[at : at + width] for at in range(0, len(text), width)) + end


def units(v):
    return memoryview(v.encode("utf-16-le")).cast("H")


def row(v, **how):
    out = io.StringIO()
    csv.writer(out, lineterminator="", **how).writerow(["id", v, "7"])
    return out.getvalue()


def quote(v):
    return urllib.parse.quote(v, safe="")


def plain(v, b):
    yield "verbatim", v
    yield "upper", v.upper()
    yield "lower", v.lower()
    if all(ord(c) < 256 for c in v):
        yield "latin-1", v.encode("latin-1")
        yield "utf-16-le", v.encode("utf-16-le")
        yield "utf-16-be", v.encode("utf-16-be")
        yield "utf-16, mark", codecs.BOM_UTF16_LE + v.encode("utf-16-le")
        yield "utf-16-be, mark", codecs.BOM_UTF16_BE + v.encode("utf-16-be")
    yield "utf-8 read as latin-1", b.decode("latin-1")
    yield "shlex.quote", shlex.quote(v)
    yield "SQL quote", sql.execute("select quote(?)", [v]).fetchone()[0]
    yield "SQL identifier", sql.execute("select format('%w', ?)", [v]).fetchone()[0]
    yield "SQL blob", sql.execute("select quote(?)", [b]).fetchone()[0]
    yield "csv", row(v)
    yield "csv, single quotes", row(v, quotechar="'", quoting=csv.QUOTE_ALL)


def base(v, b):
    for n in range(3):
        yield f"base64 behind {n}", base64.b64encode(users[3].encode()[:n] + b)
        yield f"base64url behind {n}", base64.urlsafe_b64encode(users[3].encode()[:n] + b)
        yield f"base64 behind {n}, no padding", base64.b64encode(users[3].encode()[:n] + b).rstrip(b"=")
        yield f"base64url behind {n}, no padding", base64.urlsafe_b64encode(users[3].encode()[:n] + b).rstrip(b"=")
    for user in users:
        yield f"Basic, user of {len(user)}", b"Basic " + base64.b64encode(user.encode() + b":" + b)
    yield "base64 amid text", base64.b64encode(before + b + after)
    yield "MIME base64", base64.encodebytes(before + b + after)
    yield "MIME base64, CRLF", base64.encodebytes(before + b + after).replace(b"\n", b"\r\n")
    yield "PEM base64", wrapped(base64.b64encode(before + b + after).decode(), 64)
    yield "hexlify", binascii.hexlify(b)
    yield "hex, upper", binascii.hexlify(b).upper()
    yield "hex over lines", wrapped((before[:30] + b + after).hex(), 60)
    yield "percent of base64", quote(base64.b64encode(users[3].encode()[:1] + b).decode())


def percent(v, b):
    yield "quote", urllib.parse.quote(v)
    yield "quote, all", quote(v)
    yield "quote_plus", urllib.parse.quote_plus(v)
    yield "urlencode", urllib.parse.urlencode({"key": v, "n": 7})
    yield "percent, every byte", "".join("%%%02X" % c for c in b)
    yield "percent, every byte, lower", "".join("%%%02x" % c for c in b)
    yield "percent, lower", "".join(c if len(c) == 1 else c.lower() for c in map(quote, v))
    yield "quote twice", quote(quote(v))
    yield "quote_plus twice", urllib.parse.quote_plus(urllib.parse.quote_plus(v))


def literals(v, b):
    yield "json.dumps", json.dumps(v)
    yield "json.dumps, not ASCII", json.dumps(v, ensure_ascii=False)
    yield "JSON in JSON", json.dumps(json.dumps({"k": v}))
    yield "JSON in JSON, not ASCII", json.dumps(json.dumps({"k": v}, ensure_ascii=False), ensure_ascii=False)
    yield r"every \u", "".join("\\u%04x" % u for u in units(v))
    yield r"every \u, upper", "".join("\\u%04X" % u for u in units(v))
    yield "repr", repr(v)
    yield "ascii", ascii(v)
    yield "repr of bytes", repr(b)
    yield r"every \x", "".join("\\x%02x" % c for c in b)
    yield "JSON of percent", json.dumps(quote(v))
    yield "JSON of HTML", json.dumps(html.escape(v))
    yield "JSON of wrapped base64", json.dumps(base64.encodebytes(before + b + after).decode())


def markup(v, b):
    yield "html.escape", html.escape(v)
    yield "saxutils.escape", saxutils.escape(v)
    yield "saxutils.quoteattr", saxutils.quoteattr(v)
    yield "xmlcharrefreplace", html.escape(v).encode("ascii", "xmlcharrefreplace")
    yield "entities, decimal", "".join("&#%d;" % ord(c) for c in v)
    yield "entities, hexadecimal", "".join("&#x%x;" % ord(c) for c in v)
    yield "entities, hexadecimal, upper", "".join("&#x%02X;" % ord(c) for c in v)
    yield "entities, named", "".join("&" + named[c] if c in named and not c.isspace() else c for c in v)
    yield "JSON in HTML", html.escape(json.dumps(v))
    yield "percent in HTML", html.escape(quote(v))
    yield "HTML twice", html.escape(html.escape(v))


def mail(v, b):
    yield "quopri", quopri.encodestring(b)
    yield "quopri amid text", quopri.encodestring(before + b + after)
    yield "quopri, header", quopri.encodestring(b, header=True)
    if "\n" not in v:
        yield "Q encoding", Header(v, "utf-8" if v.isascii() else "latin-1", maxlinelen=2000).encode()
        yield "e-mail", MIMEText("key: " + v + " \N{DOUBLE DAGGER}", "plain", "utf-8").as_bytes()


def layers(v, n):
    text = "".join("&#x%x;" % ord(c) if at % 4 == 0 and c != "\n" or c in "&%\\" else c for at, c in enumerate(v))
    for sign, escape in (("&", "\\u0026"), ("\\", "%5C"), ("%", "&#37;"), ("&", "\\x26"))[: n - 1]:
        text = text.replace(sign, escape)
    return text


def mixed(v, b):
    yield "three layers", layers(v, 3)
    yield "four layers", layers(v, 4)
    yield "percent of JSON", quote(json.dumps(v))
    yield "percent of HTML", quote(html.escape(v))
    yield "percent in JSON in HTML", html.escape(json.dumps({"k": quote(v)}))
    yield "some percent, some entities", "".join(
        quote(c) if c in "%&" else "%%%02x" % ord(c) if n % 4 == 0 and c < "\x7f" else "&#%d;" % ord(c) if n % 4 == 1 or c in " \"'" or c > "~" else c
        for n, c in enumerate(v)
    )
    yield r"some \u, some percent", "".join("\\u%04x" % ord(c) if n % 3 == 0 else "%%%02X" % ord(c) if n % 3 == 1 and ord(c) < 128 else json.dumps(c)[1:-1] for n, c in enumerate(v))


def residual(v, b):
    yield "reversed", v[::-1]
    yield "base64 of base64", base64.b64encode(base64.b64encode(b))
    yield "base64 of UTF-16", base64.b64encode(v.encode("utf-16-le"))
    yield "base64 of gzip", base64.b64encode(gzip.compress(b, mtime=0))
    yield "spelled out", " ".join(v)
    yield "hex with colons", b.hex(":")
    yield "rot13", codecs.encode(v, "rot13")
    yield "mixed case", v.swapcase()
    yield "five layers", layers(v, 5)
    yield "base32", base64.b32encode(b)
    yield "base85", base64.b85encode(b)
    yield "uuencode", "".join(binascii.b2a_uu(b[at : at + 45]).decode() for at in range(0, len(b), 45))


out = []
for i, v in enumerate(asked["values"]):
    b = v.encode()
    for kind, make in ("text", plain), ("text", base), ("text", percent), ("json", literals), ("html", markup), ("text", mail), ("any", mixed), ("residual", residual):
        for name, text in make(v, b):
            if isinstance(text, str):
                text = text.encode("utf-8", "surrogatepass")
            out.append([i, name, kind, base64.b64encode(text).decode()])
json.dump(out, sys.stdout)
