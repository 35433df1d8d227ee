# sendmail.sh is read by receivers.sh: Sendmail with Debian's own choice of settings, of which
# the privacy flags (needmailhelo) bear on the order of commands.

# A sender's domain is not looked up, for here the answer would always be a refusal for want of
# a DNS server. The load limits would refuse connections while the machine has other work.
# Sendmail relays for its own machine, which every client here is on, so that is taken away.
# The level of the log is the lowest that names each connection.
sendmail_configure() {
  local r
  r=$(root "$1")
  mkdir -p "$r/var/spool/sendmail-lab"
  chmod 700 "$r/var/spool/sendmail-lab"
  echo 'postmaster: /dev/null' >"$r/etc/mail/lab.aliases"
  cat >"$r/etc/mail/lab.mc" <<END
include(\`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(\`debian')dnl
DOMAIN(\`debian-mta')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
DAEMON_OPTIONS(\`Family=inet, Name=MTA, Port=$port, Addr=$(address "$1")')dnl
LOCAL_DOMAIN(\`lab.example $1.example')dnl
define(\`confDOMAIN_NAME', \`$1.lab.example')dnl
define(\`confPRIVACY_FLAGS', \`needmailhelo,needexpnhelo,needvrfyhelo,restrictqrun,restrictexpand,nobodyreturn,authwarnings')dnl
define(\`confLOG_LEVEL', \`12')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confQUEUE_LA', \`9999')dnl
define(\`confREFUSE_LA', \`9999')dnl
undefine(\`confHOST_STATUS_DIRECTORY')dnl
define(\`confPID_FILE', \`/run/sendmail-lab.pid')dnl
define(\`QUEUE_DIR', \`/var/spool/sendmail-lab')dnl
define(\`ALIAS_FILE', \`/etc/mail/lab.aliases')dnl
define(\`confCACERT', \`/etc/lab/cert.pem')dnl
define(\`confCACERT_PATH', \`/etc/lab')dnl
define(\`confSERVER_CERT', \`/etc/lab/cert.pem')dnl
define(\`confSERVER_KEY', \`/etc/lab/key.pem')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
END
  chroot "$r" sh -c '
    cd /etc/mail && m4 -D_USE_ETC_MAIL_ lab.mc >lab.cf &&
    sed -i "s/^SRelay_ok\$/&\nR\$*\t\t\t\$@ NO/" lab.cf && grep -A 1 "^SRelay_ok" lab.cf | grep NO &&
    /usr/sbin/sendmail-mta -C /etc/mail/lab.cf -bi
  ' >"$state/$1/configure.log" 2>&1 || fail "$1: no configuration: $(tail -n 1 "$state/$1/configure.log")"
}

# sendmail_start NAME: it logs to /dev/log alone, so a syslogd runs beside it in the same
# session, and starts first.
sendmail_start() {
  rm -f "$(root "$1")/dev/log"
  foreground "$1" chroot "$(root "$1")" sh -c '
    busybox syslogd -n -O - &
    until [ -S /dev/log ]; do sleep 0.1; done
    exec /usr/sbin/sendmail-mta -C /etc/mail/lab.cf -bD'
}
sendmail_pid_file() { echo "$state/$1/sendmail.pid"; }
sendmail_log_file() { echo "$state/$1/sendmail.log"; }
sendmail_spool() { echo "$(root "$1")/var/spool/sendmail-lab"; }
sendmail_accepted() { echo ' msgid=| stat=(Sent|queued|Deferred)'; }
sendmail_sessions() { echo ' connect from '; }
