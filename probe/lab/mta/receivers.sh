# receivers.sh is read by mta.sh: the receivers there are, and what they have in common. What
# one program needs is in a file of its own, postfix.sh, exim.sh and so on, which defines for
# its family F
#
#   F_configure NAME  write the configuration         F_spool NAME  the folder of held messages
#   F_start NAME      start it                        F_accepted    the log lines that only an
#   F_pid_file NAME   names the main process                        accepted message leaves
#   F_log_file NAME   its log                         F_sessions    those of a connection
#
# the last two as extended regular expressions. Settings are the packages' own defaults where
# they bear on the order of commands, except for what makes a variant the variant it is. What
# is set is names, certificate, log, the one mailbox, and limits that would only cost time.

receivers="postfix exim opensmtpd6 opensmtpd7 postfix-strict postscreen exim-nosync sendmail chasquid gosmtp"

address() {
  case $1 in
  postfix) echo 127.0.0.11 ;;
  exim) echo 127.0.0.12 ;;
  opensmtpd6) echo 127.0.0.13 ;;
  opensmtpd7) echo 127.0.0.14 ;;
  postfix-strict) echo 127.0.0.15 ;;
  postscreen) echo 127.0.0.16 ;;
  exim-nosync) echo 127.0.0.17 ;;
  sendmail) echo 127.0.0.18 ;;
  chasquid) echo 127.0.0.19 ;;
  gosmtp) echo 127.0.0.20 ;;
  esac
}

# family NAME: the program, whose variants differ in settings alone.
family() {
  case $1 in
  postfix* | postscreen) echo postfix ;;
  exim*) echo exim ;;
  opensmtpd*) echo opensmtpd ;;
  *) echo "$1" ;;
  esac
}

# base NAME: the installation below the receiver's root; nothing if it needs none. The two
# OpenSMTPD are one program, but of two releases of Debian.
base() {
  case $1 in
  opensmtpd*) echo "base-$1" ;;
  gosmtp) ;;
  *) echo "base-$(family "$1")" ;;
  esac
}

# package BASE: the one whose version counts.
package() {
  case $1 in
  base-postfix) echo postfix ;;
  base-exim) echo exim4-daemon-heavy ;;
  base-opensmtpd*) echo opensmtpd ;;
  base-sendmail) echo sendmail-bin ;;
  base-chasquid) echo chasquid ;;
  esac
}

# packages BASE: OpenSMTPD 7 does not start without the CA bundle, though it never uses it.
# Sendmail needs a syslogd, and offers AUTH if it finds mechanisms for that, as it does where
# recommended packages are installed.
packages() {
  case $1 in
  base-sendmail) echo "$(package "$1") openssl ca-certificates busybox libsasl2-modules" ;;
  *) echo "$(package "$1") openssl ca-certificates" ;;
  esac
}

# suite BASE: the release of Debian.
suite() {
  case $1 in
  base-opensmtpd7) echo trixie ;;
  *) echo bookworm ;;
  esac
}

for file in postfix exim opensmtpd sendmail chasquid gosmtp; do . "$here/$file.sh"; done

configure() { "$(family "$1")_configure" "$1"; }
pid_file() { "$(family "$1")_pid_file" "$1"; }
log_file() { "$(family "$1")_log_file" "$1"; }
spool() { "$(family "$1")_spool" "$1"; }

version() {
  case $1 in
  gosmtp) gosmtp_version ;;
  *) chroot "$(root "$1")" dpkg-query -W -f '${Package} ${Version}' "$(package "$(base "$1")")" ;;
  esac
}

# main_pid NAME: the main process, whose end is the end of all, or nothing. A stale file may
# name a stranger's process, so it counts only if that process lives in this root.
main_pid() {
  local pid
  pid=$(head -n 1 "$(pid_file "$1")" 2>/dev/null | tr -d ' ') || true
  if [ -n "$pid" ] && belongs "$1" "$pid"; then echo "$pid"; fi
}

running() { [ -n "$(main_pid "$1")" ] && greets "$1"; }

# banner NAME: the first line somebody says on the receiver's address, or nothing.
banner() {
  timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2" && read -r line <&3 && printf "QUIT\r\n" >&3 && echo "$line"' \
    - "$(address "$1")" "$port" 2>/dev/null || true
}

# greets NAME: postscreen says the first line of a greeting of two at once, and the second
# only when the client has kept silent for a while.
greets() { case $(banner "$1") in "220 $1.lab.example "* | "220-$1.lab.example "*) true ;; *) false ;; esac }

# start NAME: nothing of the caller's is held open, neither its terminal nor its pipes.
start() {
  local log=$state/$1/start.log pid session
  rm -f "$(pid_file "$1")" # one that a crash or a reboot has left
  "$(family "$1")_start" "$1" </dev/null >"$log" 2>&1 9>&- || fail "$1: does not start: $(tail -n 1 "$log")"
  wait_for 10 test -s "$(pid_file "$1")" || fail "$1: wrote no $(pid_file "$1")"
  pid=$(head -n 1 "$(pid_file "$1")" | tr -d ' ')
  # All of them become daemons in a session of their own, sooner or later.
  wait_for 10 leads "$pid" || fail "$1: did not stay; last log line: $(tail -n 1 "$(log_file "$1")" 2>/dev/null)"
  session_of "$pid"
  echo "$session" >"$state/$1/session"
}

# leads PID: whether it is the first process of a session.
leads() {
  local session
  session_of "$1"
  [ "${session% *}" = "$1" ]
}

# foreground NAME COMMAND...: for a server that stays in the foreground, where it logs to its
# output and writes no pid file. It gets a session of its own.
foreground() {
  local name=$1
  shift
  setsid "$@" >>"$(log_file "$name")" 2>&1 &
  echo $! >"$(pid_file "$name")"
}

# held_files NAME: files anywhere in the spool. What is there without any message does not
# count: Postfix's pid files and Exim's databases.
held_files() {
  local dir
  dir=$(spool "$1")
  [ -d "$dir" ] || fail "no spool at $dir, so nothing is proven"
  # A file may vanish between listing and looking: that is no error.
  find "$dir" \( -path "$dir/pid" -o -path "$dir/db" \) -prune -o -type f -print 2>/dev/null | wc -l
}

accepted_lines() { grep -c -E "$("$(family "$1")_accepted")" "$(log_file "$1")" || true; }

# session_lines NAME: connections logged, to show that there was something to count.
session_lines() { grep -c -E "$("$(family "$1")_sessions")" "$(log_file "$1")" || true; }

# send_message NAME: one real message to the one mailbox, and a word on how it was done.
send_message() {
  case $1 in
  postscreen) postscreen_send ;;
  *) exchange "$1" 250 && echo "took one message" ;;
  esac
}

# exchange NAME CODE: a plain exchange, in which RCPT is to be answered with CODE. After any
# other code than 250 it ends there.
exchange() {
  timeout 60 bash -c '
    set -eu
    exec 3<>"/dev/tcp/$1/$2"
    expect() { while read -r line <&3; do case $line in "$1-"*) ;; "$1"*) return ;; *) echo "$line" >&2; exit 1 ;; esac; done; exit 1; }
    say() { printf "%s\r\n" "$@" >&3; }
    expect 220
    say "EHLO probe.lab.example"; expect 250
    say "MAIL FROM:<>"; expect 250
    say "RCPT TO:<postmaster@lab.example>"; expect "$3"
    if [ "$3" = 250 ]; then
      say DATA; expect 354
      say "From: <postmaster@lab.example>" "To: <postmaster@lab.example>" "Subject: control" "" "One real message." .; expect 250
    fi
    say QUIT; expect 221
  ' - "$(address "$1")" "$port" "$2"
}
