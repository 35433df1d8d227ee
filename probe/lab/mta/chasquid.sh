# chasquid.sh is read by receivers.sh: chasquid, which wants to run as a user of its own.

chasquid_configure() {
  local r domain
  r=$(root "$1")
  mkdir -p "$r/etc/chasquid-lab/certs/$1.lab.example" "$r/var/lib/chasquid-lab"
  cp "$r/etc/lab/cert.pem" "$r/etc/chasquid-lab/certs/$1.lab.example/fullchain.pem"
  cp "$r/etc/lab/key.pem" "$r/etc/chasquid-lab/certs/$1.lab.example/privkey.pem"
  cat >"$r/etc/chasquid-lab/chasquid.conf" <<END
hostname: "$1.lab.example"
smtp_address: "$(address "$1"):$port"
data_dir: "/var/lib/chasquid-lab"
mail_log_path: "<stderr>"
mail_delivery_agent_bin: "/bin/true"
END
  # Nobody is told the password, so nobody can log in and relay.
  for domain in lab.example "$1.example"; do
    mkdir -p "$r/etc/chasquid-lab/domains/$domain"
    chroot "$r" chasquid-util --configdir=/etc/chasquid-lab user-add "postmaster@$domain" \
      --password="$(chroot "$r" openssl rand -hex 16)" >"$state/$1/configure.log" 2>&1 ||
      fail "$1: no user: $(tail -n 1 "$state/$1/configure.log")"
  done
  chroot "$r" chown -R chasquid: /etc/chasquid-lab /var/lib/chasquid-lab
}

# Connections are named in the debug log only.
chasquid_start() { foreground "$1" chroot --userspec=chasquid: "$(root "$1")" chasquid -v=1 --config_dir=/etc/chasquid-lab; }
chasquid_pid_file() { echo "$state/$1/chasquid.pid"; }
chasquid_log_file() { echo "$state/$1/chasquid.log"; }
chasquid_spool() { echo "$(root "$1")/var/lib/chasquid-lab/queue"; }
chasquid_accepted() { echo '^[0-9-]+ [0-9:.]+ [^ ]+ from=.* (queued ip=|sent$|all done$)'; }
chasquid_sessions() { echo ': Connected, mode: '; }
