#!/bin/bash
# mta.sh runs the real receivers that smtpprobe is held against, all at once, each on its own
# loopback address and all on one port, so that one MX zone and one --port reach them all.
# They are Debian's packages, of Debian 12 unless it says otherwise:
#
#   postfix         127.0.0.11:2525  Postfix
#   exim            127.0.0.12:2525  Exim
#   opensmtpd6      127.0.0.13:2525  OpenSMTPD 6.8, whose STARTTLS always fails
#   opensmtpd7      127.0.0.14:2525  OpenSMTPD 7.6, of Debian 13
#   postfix-strict  127.0.0.15:2525  Postfix that requires HELO, offers neither PIPELINING nor
#                                    CHUNKING, and refuses talk out of turn and bare newlines
#   postscreen      127.0.0.16:2525  Postfix behind postscreen, every test enforced and every
#                                    client a stranger, so that RCPT is refused with 450
#   exim-nosync     127.0.0.17:2525  Exim without smtp_enforce_sync
#   sendmail        127.0.0.18:2525  Sendmail
#   chasquid        127.0.0.19:2525  chasquid
#   gosmtp          127.0.0.20:2525  emersion/go-smtp, by the program in the folder gosmtp
#
#   mta.sh up        install what is missing, start what does not run (warm: a few seconds)
#   mta.sh down      stop every process of the bench; roots and logs stay for the next up
#   mta.sh queues    show that no receiver holds or ever took a message; exit 1 if one did
#   mta.sh control   show that queues can fail: needs queues to pass, sends one real message
#                    to postmaster@lab.example on each receiver, sees its counts change, and
#                    moves those log lines aside so that the counts stand at 0 again.
#                    postscreen takes mail from nobody: its refusal is seen, and the message
#                    is put into the same queue by the sendmail command of its Postfix
#   mta.sh purge     down, then unmount and remove everything
#
# Each but purge can be followed by the names of receivers, and then goes by those alone.
#
# It needs Debian 12, root, a Debian mirror, and for gosmtp Go and a module proxy; nothing is
# installed on the machine itself (except mmdebstrap, and only where overlay mounts are not
# allowed). Everything lies below $SMTPPROBE_MTA, /tmp/smtpprobe-mta unless set. Each receiver
# takes mail for postmaster@lab.example and postmaster@NAME.example, such as
# postmaster@exim.example, from anybody, throws it away, and relays for nobody. Apart from
# names, certificate and limits that only cost time, the settings are the receivers' own
# defaults; receivers.sh and the files it names hold them.
#
# The recordings and the matrix beside this file were made on this bench:
#
#   go run ./probe/lab/mta/record -out probe/lab/mta/recorded \
#     postfix=127.0.0.11:2525 exim=127.0.0.12:2525 opensmtpd6=127.0.0.13:2525 \
#     opensmtpd7=127.0.0.14:2525 postfix-strict=127.0.0.15:2525 postscreen=127.0.0.16:2525 \
#     exim-nosync=127.0.0.17:2525 sendmail=127.0.0.18:2525 chasquid=127.0.0.19:2525 \
#     gosmtp=127.0.0.20:2525
set -eu
umask 022

state=${SMTPPROBE_MTA:-/tmp/smtpprobe-mta}
port=2525

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/root.sh"
. "$here/receivers.sh"

# fail TEXT: one line on stderr, exit 1.
fail() {
  echo "mta.sh: $*" >&2
  exit 1
}

# up_one NAME: everything from nothing to a listening receiver. Runs in a subshell of its own.
up_one() {
  if running "$1"; then
    echo "$1: runs already on $(address "$1"):$port ($(version "$1"))"
    return
  fi
  [ -z "$(banner "$1")" ] || fail "$1: another process listens on $(address "$1"):$port"
  root_make "$1"
  configure "$1"
  start "$1"
  wait_for 30 greets "$1" ||
    fail "$1: no 220 from $(address "$1"):$port within 30 s; last log line: $(tail -n 1 "$(log_file "$1")" 2>/dev/null)"
  echo "$1: up on $(address "$1"):$port ($(version "$1"))"
}

# each COMMAND: with every chosen receiver, side by side, since most of it is waiting; fails
# if one fails.
each() {
  local name job failed=0
  jobs=""
  for name in $chosen; do
    "$1" "$name" </dev/null &
    jobs="$jobs $!"
  done
  for job in $jobs; do wait "$job" || failed=1; done
  return $failed
}

# bases prints the installations of the chosen receivers.
bases() { for name in $chosen; do base "$name"; done | sort -u; }

# interrupted ends what up has begun. Receivers that run stay up; a package half installed
# is taken up again by the next up.
interrupted() {
  trap - INT TERM HUP
  kill $jobs 2>/dev/null || true
  for base in $(bases); do
    [ -e "$state/$base/installed" ] || kill $(root_pids "$base") 2>/dev/null || true
  done
  echo "mta.sh: interrupted" >&2
  exit 130
}

# stop_one NAME: ask the main process first, then whatever else still runs in that root.
stop_one() {
  local pid
  pid=$(main_pid "$1")
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null || true
    wait_for 10 alone "$1" || true
  fi
  for signal in TERM KILL; do
    for pid in $(root_pids "$1"); do kill -s "$signal" "$pid" 2>/dev/null || true; done
    if wait_for 5 empty "$1"; then
      rm -f "$(pid_file "$1")"
      echo "$1: stopped"
      return
    fi
  done
  fail "$1: processes $(root_pids "$1" | tr '\n' ' ')do not end"
}

# alone NAME: whether nothing is left there but a syslogd, which does not end by itself.
alone() {
  local pid
  for pid in $(root_pids "$1"); do
    case $(cat "/proc/$pid/comm" 2>/dev/null) in "" | busybox) ;; *) return 1 ;; esac
  done
}

empty() { [ -z "$(root_pids "$1")" ]; }

# queues prints the counts of every receiver and fails unless all of them are 0.
queues() {
  local name held took bad=0
  printf '%-14s %6s %9s %9s\n' receiver held accepted sessions
  for name in $chosen; do
    [ -s "$(log_file "$name")" ] || fail "$name: no log at $(log_file "$name"), so nothing is proven; was it ever up?"
    # An abandoned transaction is cleaned up when its connection is gone, not before.
    wait_for 5 holds_nothing "$name" || true
    held=$(held_files "$name")
    took=$(accepted_lines "$name")
    printf '%-14s %6s %9s %9s\n' "$name" "$held" "$took" "$(session_lines "$name")"
    [ "$held$took" = 00 ] || bad=1
  done
  return $bad
}

# control is the proof that queues can fail.
control() {
  local name how failed=0
  queues >/dev/null || fail "control starts from counts of 0; see mta.sh queues"
  for name in $chosen; do running "$name" || fail "$name: not up"; done
  for name in $chosen; do
    how=$(send_message "$name") || { echo "$name: the control message was not accepted" >&2; failed=1; continue; }
    if ! wait_for 20 took_message "$name"; then
      echo "$name: took a message and the counts did not change: queues proves nothing here" >&2
      failed=1
      continue
    fi
    echo "$name: $how, accepted lines 0 -> $(accepted_lines "$name")"
    wait_for 30 holds_nothing "$name" || { echo "$name: the control message is still queued" >&2; failed=1; }
    sleep 1 # the line about the delivery may come just after the file has gone
    # Every daemon here appends, so the file can be emptied under it.
    cat "$(log_file "$name")" >>"$(log_file "$name").control"
    : >"$(log_file "$name")"
    echo "moved aside after a control message" >>"$(log_file "$name")"
  done
  return $failed
}

took_message() { [ "$(accepted_lines "$1")" -gt 0 ]; }
holds_nothing() { [ "$(held_files "$1")" -eq 0 ]; }

# wait_for SECONDS COMMAND...: until the command succeeds, looking five times a second.
wait_for() {
  local left=$(($1 * 5))
  shift
  until "$@"; do
    [ "$left" -gt 0 ] || return 1
    left=$((left - 1))
    sleep 0.2
  done
}

action=${1:-}
case $action:$# in
up:* | down:* | queues:* | control:* | purge:1) ;;
*)
  echo "usage: $0 up|down|queues|control [NAME...], $0 purge; names: $receivers" >&2
  exit 2
  ;;
esac
shift
chosen=${*:-$receivers}
for name in $chosen; do
  [ -n "$(address "$name")" ] || fail "no receiver is called $name; they are $receivers"
done
[ "$(id -u)" = 0 ] || fail "$action needs root (chroot and mounts)"
grep -qs '^VERSION_ID="12"' /etc/os-release && grep -qs '^ID=debian' /etc/os-release ||
  fail "needs Debian 12; this is $(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null)"
# Other characters mean something in the options of a mount or in a pattern.
case $state in [!/]* | *[!A-Za-z0-9/._-]*)
  fail "SMTPPROBE_MTA must be an absolute path of letters, digits and . _ - only, got $state"
  ;;
esac
if [ "$action" = up ]; then
  mkdir -p "$state"
elif [ ! -d "$state" ]; then
  case $action in
  down | purge) echo "nothing at $state" && exit 0 ;;
  *) fail "nothing at $state: mta.sh up comes first" ;;
  esac
fi
[ -O "$state" ] && [ ! -L "$state" ] || fail "$state is a link or belongs to somebody else; set SMTPPROBE_MTA"

# One action at a time. Daemons are started with 9 closed, or they would hold the lock.
exec 9<"$state"
flock -w 600 9 || fail "another mta.sh has been at work in $state for 10 minutes"

case $action in
up)
  trap interrupted INT TERM HUP
  each up_one
  ;;
down) each stop_one ;;
queues) queues ;;
control) control ;;
purge)
  each stop_one
  for name in $chosen $(bases); do root_remove "$name"; done
  rm -f "$state/bootstrap.lock"
  rmdir "$state" || fail "$state holds files that are not of the bench; they were left alone"
  echo "purged $state"
  ;;
esac
