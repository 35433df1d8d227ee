# receivers.sh is read by mta.sh: what differs from receiver to receiver. Settings are the
# packages' own defaults where they bear on the order of commands; what is set is names,
# certificate, log, the one mailbox, and limits that would only cost time.

address() {
  case $1 in
  postfix) echo 127.0.0.11 ;;
  exim) echo 127.0.0.12 ;;
  opensmtpd6) echo 127.0.0.13 ;;
  opensmtpd7) echo 127.0.0.14 ;;
  esac
}

package() {
  case $1 in
  postfix) echo postfix ;;
  exim) echo exim4-daemon-heavy ;;
  opensmtpd*) echo opensmtpd ;;
  esac
}

# packages NAME: OpenSMTPD 7 does not start without the CA bundle, though it never uses it.
packages() { echo "$(package "$1") openssl ca-certificates"; }

suite() {
  case $1 in
  opensmtpd7) echo trixie ;;
  *) echo bookworm ;;
  esac
}

version() { chroot "$(root "$1")" dpkg-query -W -f '${Package} ${Version}' "$(package "$1")"; }

# pid_file NAME: names the main process, whose end is the end of all.
pid_file() {
  case $1 in
  postfix) echo "$(root "$1")/var/spool/postfix-lab/pid/master.pid" ;;
  exim) echo "$(root "$1")/run/exim-lab.pid" ;;
  opensmtpd*) echo "$state/$1/smtpd.pid" ;;
  esac
}

# main_pid NAME: the main process, or nothing. A stale file may name a stranger's process, so
# it counts only if that process lives in this root.
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

greets() { case $(banner "$1") in "220 $1.lab.example "*) true ;; *) false ;; esac }

configure() {
  case $1 in
  postfix) configure_postfix ;;
  exim) configure_exim ;;
  opensmtpd*) configure_opensmtpd "$1" ;;
  esac
}

# The relay rule is Postfix's own default, which defers: 454 and not 554 for a stranger.
configure_postfix() {
  local r
  r=$(root postfix)
  mkdir -p "$r/etc/postfix-lab" "$r/var/spool/postfix-lab" "$r/var/lib/postfix-lab"
  chroot "$r" chown postfix /var/lib/postfix-lab
  cat >"$r/etc/postfix-lab/main.cf" <<END
compatibility_level = 3.6
myhostname = postfix.lab.example
mydestination = lab.example, postfix.example
mynetworks = 192.0.2.1/32
queue_directory = /var/spool/postfix-lab
data_directory = /var/lib/postfix-lab
meta_directory = /etc/postfix
daemon_directory = /usr/lib/postfix/sbin
maillog_file = /var/log/postfix-lab.log
alias_maps = inline:{ postmaster=nobody }
local_transport = discard:
inet_protocols = ipv4
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/lab/cert.pem
smtpd_tls_key_file = /etc/lab/key.pem
smtpd_client_event_limit_exceptions = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
END
  cp "$r/usr/share/postfix/master.cf.dist" "$r/etc/postfix-lab/master.cf"
  chroot "$r" postconf -c /etc/postfix-lab -F '*/*/chroot=n'
  chroot "$r" postconf -c /etc/postfix-lab -MX smtp/inet
  chroot "$r" postconf -c /etc/postfix-lab -M "$(address postfix):$port/inet=$(address postfix):$port inet n - n - - smtpd"
}

configure_exim() {
  local r
  r=$(root exim)
  mkdir -p "$r/var/spool/exim-lab" "$r/var/log/exim-lab"
  cp "$r/etc/lab/key.pem" "$r/etc/lab/exim.key"
  chroot "$r" chown Debian-exim: /etc/lab/exim.key /var/spool/exim-lab /var/log/exim-lab
  cat >"$r/etc/exim4/exim4.conf" <<END
keep_environment =
primary_hostname = exim.lab.example
domainlist local_domains = lab.example : exim.example
daemon_smtp_ports = $port
local_interfaces = $(address exim)
pid_file_path = /run/exim-lab.pid
spool_directory = /var/spool/exim-lab
log_file_path = /var/log/exim-lab/%slog
log_selector = +smtp_protocol_error +smtp_syntax_error +smtp_connection +smtp_no_mail
tls_certificate = /etc/lab/cert.pem
tls_privatekey = /etc/lab/exim.key
rfc1413_hosts =
smtp_accept_max = 0
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
begin acl
check_rcpt:
  require message = relay not permitted
          domains = +local_domains
  require verify  = recipient
  accept
begin routers
nowhere:
  driver = redirect
  domains = +local_domains
  local_parts = postmaster
  data = :blackhole:
END
}

configure_opensmtpd() {
  cat >"$(root "$1")/etc/smtpd-lab.conf" <<END
pki $1.lab.example cert "/etc/lab/cert.pem"
pki $1.lab.example key "/etc/lab/key.pem"
table aliases { postmaster = nobody }
listen on $(address "$1") port $port tls pki $1.lab.example hostname $1.lab.example
action "nowhere" mda "/bin/cat >/dev/null" alias <aliases>
match from any for domain { "lab.example", "$1.example" } action "nowhere"
END
}

# start NAME: nothing of the caller's is held open, neither its terminal nor its pipes.
start() {
  local r log=$state/$1/start.log
  r=$(root "$1")
  rm -f "$(pid_file "$1")" # one that a crash or a reboot has left
  case $1 in
  postfix) chroot "$r" postfix -c /etc/postfix-lab start ;;
  exim) chroot "$r" exim4 -bd ;;
  opensmtpd*)
    # In the foreground it logs to stderr, which is the only log it has without a syslogd.
    setsid chroot "$r" smtpd -d -f /etc/smtpd-lab.conf >>"$(log_file "$1")" 2>&1 9>&- &
    echo $! >"$(pid_file "$1")"
    ;;
  esac </dev/null >"$log" 2>&1 9>&- || fail "$1: does not start: $(tail -n 1 "$log")"
  wait_for 10 test -s "$(pid_file "$1")" || fail "$1: wrote no $(pid_file "$1")"
  session_of "$(head -n 1 "$(pid_file "$1")" | tr -d ' ')" >"$state/$1/session"
}

log_file() {
  case $1 in
  postfix) echo "$(root "$1")/var/log/postfix-lab.log" ;;
  exim) echo "$(root "$1")/var/log/exim-lab/mainlog" ;;
  opensmtpd*) echo "$state/$1/smtpd.log" ;;
  esac
}

# held_files NAME: files anywhere in the spool, but for what is there without any message.
held_files() {
  local r
  r=$(root "$1")
  case $1 in
  postfix) set -- "$r/var/spool/postfix-lab" pid ;;
  exim) set -- "$r/var/spool/exim-lab" db ;;
  opensmtpd*) set -- "$r/var/spool/smtpd" "" ;;
  esac
  [ -d "$1" ] || fail "no spool at $1, so nothing is proven"
  # A file may vanish between listing and looking: that is no error.
  find "$1" -path "$1/$2" -prune -o -type f -print 2>/dev/null | wc -l
}

# accepted_lines NAME: log lines that only an accepted message leaves.
accepted_lines() {
  case $1 in
  postfix) grep -c -E 'qmgr\[[0-9]+\]: .* from=|: message-id=| status=' "$(log_file "$1")" || true ;;
  exim) grep -c -E ' (<=|=>|->|\*\*|==) ' "$(log_file "$1")" || true ;;
  opensmtpd*) grep -c -E ' (smtp message|smtp envelope|mda delivery|mta delivery) |evpid=' "$(log_file "$1")" || true ;;
  esac
}

# session_lines NAME: connections logged, to show that there was something to count.
session_lines() {
  case $1 in
  postfix) grep -c -E ' connect from ' "$(log_file "$1")" || true ;;
  exim) grep -c -E ' SMTP connection from .*TCP/IP connection count' "$(log_file "$1")" || true ;;
  opensmtpd*) grep -c -E ' smtp connected ' "$(log_file "$1")" || true ;;
  esac
}

# send_message NAME: one real message to the one mailbox, by a plain exchange.
send_message() {
  timeout 60 bash -c '
    set -eu
    exec 3<>"/dev/tcp/$1/$2"
    expect() { while read -r line <&3; do case $line in "$1-"*) ;; "$1"*) return ;; *) echo "$line" >&2; exit 1 ;; esac; done; exit 1; }
    say() { printf "%s\r\n" "$@" >&3; }
    expect 220
    say "EHLO probe.lab.example"; expect 250
    say "MAIL FROM:<>"; expect 250
    say "RCPT TO:<postmaster@lab.example>"; expect 250
    say DATA; expect 354
    say "From: <postmaster@lab.example>" "To: <postmaster@lab.example>" "Subject: control" "" "One real message." .; expect 250
    say QUIT; expect 221
  ' - "$(address "$1")" "$port"
}
