# usage: git.sh URL FOLDER: clone, commit, push
set -eu
git clone "$1" "$2"
cd "$2"
git config user.name "A Developer"
git config user.email dev@acme.test
seq 1 20000 >numbers
git add numbers
git commit -q -m "Add numbers"
git push origin HEAD
