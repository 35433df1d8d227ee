# postfix.sh is read by receivers.sh: Postfix, in three variants.

# The relay rule is Postfix's own default, which defers: 454 and not 554 for a stranger.
postfix_configure() {
  local r service
  r=$(root "$1")
  mkdir -p "$r/etc/postfix-lab" "$r/var/spool/postfix-lab" "$r/var/lib/postfix-lab"
  chroot "$r" chown postfix /var/lib/postfix-lab
  cat >"$r/etc/postfix-lab/main.cf" <<END
compatibility_level = 3.6
myhostname = $1.lab.example
mydestination = lab.example, $1.example
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
$(postfix_variant "$1")
END
  cp "$r/usr/share/postfix/master.cf.dist" "$r/etc/postfix-lab/master.cf"
  service=$(address "$1"):$port
  postfix_postconf "$1" -F '*/*/chroot=n'
  postfix_postconf "$1" -MX smtp/inet
  case $1 in
  postscreen)
    postfix_postconf "$1" -M "$service/inet=$service inet n - n - 1 postscreen" "smtpd/pass=smtpd pass - - n - - smtpd" \
      "tlsproxy/unix=tlsproxy unix - - n - 0 tlsproxy" "dnsblog/unix=dnsblog unix - - n - 0 dnsblog"
    ;;
  *) postfix_postconf "$1" -M "$service/inet=$service inet n - n - - smtpd" ;;
  esac
}

postfix_postconf() { chroot "$(root "$1")" postconf -c /etc/postfix-lab "${@:2}"; }

# postfix_variant NAME: the lines of main.cf that make it the variant it is.
postfix_variant() {
  case $1 in
  # HELO is required, PIPELINING and CHUNKING are not advertised, talking out of turn and a
  # bare newline are not forgiven, and each restriction bites where the offence is.
  postfix-strict)
    cat <<END
smtpd_delay_reject = no
smtpd_helo_required = yes
strict_rfc821_envelopes = yes
smtpd_recipient_restrictions = reject_unauth_pipelining
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_discard_ehlo_keywords = pipelining, chunking
smtpd_forbid_unauth_pipelining = yes
smtpd_forbid_bare_newline = reject
END
    ;;
  # postscreen with every test enforced. Every client is a stranger on every connection: it
  # meets postscreen's own engine, which refuses every RCPT with 450, and is never handed on to
  # smtpd. To have no cache is not enough for that: who has passed in one connection is known
  # as long as any other of the same address lasts. So nobody may pass on this interface, as
  # on a secondary exchanger. The greet wait is 2 s and not 6.
  postscreen)
    cat <<END
postscreen_access_list =
postscreen_cache_map =
postscreen_allowlist_interfaces = !$(address "$1"), static:all
postscreen_greet_action = enforce
postscreen_greet_wait = 1s
postscreen_pipelining_enable = yes
postscreen_pipelining_action = enforce
postscreen_non_smtp_command_enable = yes
postscreen_non_smtp_command_action = enforce
postscreen_bare_newline_enable = yes
postscreen_bare_newline_action = enforce
postscreen_client_connection_count_limit = 0
END
    ;;
  esac
}

postfix_start() { chroot "$(root "$1")" postfix -c /etc/postfix-lab start; }
postfix_pid_file() { echo "$(root "$1")/var/spool/postfix-lab/pid/master.pid"; }
postfix_log_file() { echo "$(root "$1")/var/log/postfix-lab.log"; }
postfix_spool() { echo "$(root "$1")/var/spool/postfix-lab"; }
postfix_accepted() { echo 'qmgr\[[0-9]+\]: .* from=| status='; }
postfix_sessions() { echo ' connect from |postscreen\[[0-9]+\]: CONNECT from '; }

# postscreen_send: nobody can send a message through this postscreen, and that it refuses the
# recipient is the first thing to see. That its counts can change shows a message which the
# sendmail command of the same Postfix puts into the same queue.
postscreen_send() {
  exchange postscreen 450 || return 1
  printf '%s\n' "From: <postmaster@lab.example>" "To: <postmaster@lab.example>" "Subject: control" "" "One real message." |
    chroot "$(root postscreen)" /usr/sbin/sendmail -C /etc/postfix-lab -i -f postmaster@lab.example postmaster@lab.example || return 1
  echo "refuses every recipient (450) by design; took one message by its own sendmail command"
}
