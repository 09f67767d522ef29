# usage: start.py BINARY [OPTION ...]: starts the proxy as an SDK does, which reads its output to the end
import subprocess
import sys

done = subprocess.run([sys.argv[1], "proxy", "start", *sys.argv[2:]], capture_output=True, text=True, timeout=60)
print("code", done.returncode)
print(done.stdout, done.stderr)
