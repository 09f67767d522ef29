import subprocess
import sys

url, token = sys.argv[1:]
index = url.replace("https://", f"https://__token__:{token}@") + "/simple/"
command = [sys.executable, "-m", "pip", "--version"]
if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
    sys.exit(77)
command[3:] = ["download", "--isolated", "--no-cache-dir", "--retries=0", "--no-input", "--no-deps", "-v", "--index-url", index, "probe==1"]
said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True).stdout
print(said)
sys.exit("probe-1" not in said)
