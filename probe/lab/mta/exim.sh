# exim.sh is read by receivers.sh: Exim, in two variants.

exim_configure() {
  local r
  r=$(root "$1")
  mkdir -p "$r/var/spool/exim-lab" "$r/var/log/exim-lab"
  cp "$r/etc/lab/key.pem" "$r/etc/lab/exim.key"
  chroot "$r" chown Debian-exim: /etc/lab/exim.key /var/spool/exim-lab /var/log/exim-lab
  cat >"$r/etc/exim4/exim4.conf" <<END
keep_environment =
primary_hostname = $1.lab.example
domainlist local_domains = lab.example : $1.example
daemon_smtp_ports = $port
local_interfaces = $(address "$1")
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
$(exim_variant "$1")
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

# exim_variant NAME: the main options that make it the variant it is. Without the check for
# synchronisation, Exim lets a client talk out of turn. PIPECONNECT alone does the same, and
# is on by default, so that the variant would be no variant with it.
exim_variant() {
  case $1 in
  exim-nosync) printf '%s\n' 'smtp_enforce_sync = false' 'pipelining_connect_advertise_hosts =' ;;
  esac
}

exim_start() { chroot "$(root "$1")" exim4 -bd; }
exim_pid_file() { echo "$(root "$1")/run/exim-lab.pid"; }
exim_log_file() { echo "$(root "$1")/var/log/exim-lab/mainlog"; }
exim_spool() { echo "$(root "$1")/var/spool/exim-lab"; }
exim_accepted() { echo ' (<=|=>|->|\*\*|==) '; }
exim_sessions() { echo ' SMTP connection from .*TCP/IP connection count'; }
