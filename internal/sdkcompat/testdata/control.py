"""Rows that are wrong in every way that there is, and must fail; the good ones must not."""

import sys

import agentsecrets
import kit
from kit import defect, works


@works("a row that fails")
def _(k):
    assert k.call(bearer="PAY_KEY").status_code == 201


@works("good: a call")
def _(k):
    return k.call(bearer="PAY_KEY").status_code


@works("a value that comes back")
def _(k):
    k.keep(k.client().spawn([sys.executable, "-c", "import os; open('value', 'w').write(os.environ['PAY_KEY'])"]))
    k.keep(open("value").read())
    raise AssertionError("this fails as well")


defect("a defect that is none", "")(lambda k: k.client().secrets.list() and None)
defect("a defect that is ours", "")(lambda k: None if k.client().secrets.list() == [] else "there are secrets")
defect("a defect without another way", "", instead=lambda k: 1 / 0)(lambda k: agentsecrets.init(intercept=True))
defect("good: a defect", "", instead=lambda k: None)(lambda k: agentsecrets.init(intercept=True))

kit.main(sys.argv[1])
