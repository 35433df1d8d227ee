# opensmtpd.sh is read by receivers.sh: OpenSMTPD 6 and 7. The one of Debian 12 offers
# STARTTLS and then fails every handshake; the one of Debian 13 does not.

opensmtpd_configure() {
  cat >"$(root "$1")/etc/smtpd-lab.conf" <<END
pki $1.lab.example cert "/etc/lab/cert.pem"
pki $1.lab.example key "/etc/lab/key.pem"
table aliases { postmaster = nobody }
listen on $(address "$1") port $port tls pki $1.lab.example hostname $1.lab.example
action "nowhere" mda "/bin/cat >/dev/null" alias <aliases>
match from any for domain { "lab.example", "$1.example" } action "nowhere"
END
}

# Without a syslogd, its stderr is the only log it has.
opensmtpd_start() { foreground "$1" chroot "$(root "$1")" smtpd -d -f /etc/smtpd-lab.conf; }
opensmtpd_pid_file() { echo "$state/$1/smtpd.pid"; }
opensmtpd_log_file() { echo "$state/$1/smtpd.log"; }
opensmtpd_spool() { echo "$(root "$1")/var/spool/smtpd"; }
opensmtpd_accepted() { echo ' (smtp message|smtp envelope|mda delivery|mta delivery) |evpid='; }
opensmtpd_sessions() { echo ' smtp connected '; }
