# gosmtp.sh is read by receivers.sh: the program in the folder gosmtp. It is built anew for each
# start, which takes no time if nothing has changed, and needs nothing in its root but itself.

gosmtp_configure() {
  command -v go >/dev/null || fail "$1: no go in PATH to build it with"
  mkdir -p "$(gosmtp_spool "$1")"
  (cd "$here/gosmtp" && CGO_ENABLED=0 GOWORK=off go build -trimpath -o "$(root "$1")/gosmtp" .) >"$state/$1/build.log" 2>&1 ||
    fail "$1: go build failed: $(tail -n 1 "$state/$1/build.log")"
}

gosmtp_version() { go version -m "$(root gosmtp)/gosmtp" | awk '$2 == "github.com/emersion/go-smtp" { printf "go-smtp %s", $3 }'; }

gosmtp_start() {
  foreground "$1" chroot --userspec=65534:65534 "$(root "$1")" /gosmtp \
    -listen "$(address "$1"):$port" -name "$1.lab.example" -domains "lab.example,$1.example"
}
gosmtp_pid_file() { echo "$state/$1/gosmtp.pid"; }
gosmtp_log_file() { echo "$state/$1/gosmtp.log"; }

# It keeps no message anywhere, so this stays empty whatever it took.
gosmtp_spool() { echo "$(root "$1")/spool"; }
gosmtp_accepted() { echo ' accepted from='; }
gosmtp_sessions() { echo ' connect from '; }
