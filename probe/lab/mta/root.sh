# root.sh is read by mta.sh. The packages conflict with each other, so each receiver gets a
# root directory of its own: an overlay over the machine's own root where that can be
# mounted, else a small Debian made by mmdebstrap. The machine's own files stay as they are.
#
# Installing is what takes the time, so it is done once for all variants of a package, in a
# base that nothing ever runs in. Each receiver gets a copy of what that has changed: spools,
# logs and processes are apart, and only its own are counted or stopped for it.

root() { echo "$state/$1/root"; }

# root_make NAME: the receiver's root with its package in it; at once if it is there already.
root_make() {
  local base d=$state/$1
  base=$(base "$1")
  mkdir -p "$d/root"
  [ -n "$base" ] || return 0 # a static program needs nothing beside itself
  base_make "$base"
  [ -e "$d/copied" ] || root_copy "$base" "$1"
  [ -e "$d/bootstrapped" ] || mountpoint -q "$d/root" || root_mount "$1" ||
    fail "$1: no overlay root: $(head -n 1 "$d/mount.log")"
  root_devices "$1"
  [ -e "$d/root/etc/lab/finished" ] || root_finish "$1"
}

# base_make BASE: the package installed, with nothing of the lab in it. Variants are started
# side by side, so one makes the base and the others wait.
base_make() {
  local d=$state/$1
  mkdir -p "$d/root"
  exec 8>"$d/lock"
  flock 8
  if [ ! -e "$d/installed" ]; then
    # What was once begun by mmdebstrap is not ended as an overlay.
    if [ ! -e "$d/bootstrapped" ] && { mountpoint -q "$d/root" || root_mount "$1"; }; then
      root_devices "$1"
      root_install "$1"
      root_unmount "$1"
    else
      touch "$d/bootstrapped"
      root_bootstrap "$1"
    fi
    touch "$d/installed"
  fi
  exec 8>&-
}

# root_copy BASE NAME: all of a root of its own, or what an overlay lays over the machine's.
root_copy() {
  local from=$state/$1 d=$state/$2 part=upper
  [ ! -e "$from/bootstrapped" ] || part=root
  root_unmount "$2"
  rm -rf --one-file-system "$d/root" "$d/upper" "$d/work"
  cp -a "$from/$part" "$d/$part"
  mkdir -p "$d/root"
  [ "$part" = upper ] || touch "$d/bootstrapped"
  touch "$d/copied"
}

# root_mount NAME: an overlay over the machine's own root.
root_mount() {
  local d=$state/$1
  mkdir -p "$d/upper" "$d/work"
  mount -t overlay smtpprobe-mta -o "lowerdir=/,upperdir=$d/upper,workdir=$d/work" "$d/root" 2>"$d/mount.log"
}

# root_devices NAME: /proc and a /dev of its own. Without the right to mount, a root made by
# mmdebstrap does without /proc and keeps the device files it has.
root_devices() {
  local r n
  r=$(root "$1")
  mountpoint -q "$r/proc" || mount -t proc proc "$r/proc" 2>/dev/null || true
  if ! mountpoint -q "$r/dev" && mount -t tmpfs -o mode=755 smtpprobe-mta "$r/dev" 2>/dev/null; then
    for n in null zero full random urandom tty; do cp -a "/dev/$n" "$r/dev/"; done
    ln -s /proc/self/fd "$r/dev/fd"
    mkdir "$r/dev/shm"
  fi
  [ -c "$r/dev/null" ] && [ -c "$r/dev/urandom" ] ||
    fail "$1: $r/dev has no device files: neither mount nor mknod is allowed here (CAP_SYS_ADMIN or CAP_MKNOD is missing)"
}

mirror() {
  local m
  m=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
    sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] *\)\{0,1\}\(http[^ ]*\).*/\2/p' | grep '/debian/*$' | head -n 1) || true
  echo "${m:-http://deb.debian.org/debian}"
}

# root_install BASE: the package by apt inside the overlay. The lists of the machine may be
# missing or old, so a first failure is followed by an update and a second try.
root_install() {
  local r log=$state/$1/install.log apt
  r=$(root "$1")
  apt="chroot $r env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--force-confold --no-upgrade"
  # Nothing may be started, stopped or restarted by a package's scripts: that would reach
  # the machine's own services.
  printf '#!/bin/sh\nexit 101\n' >"$r/usr/sbin/policy-rc.d"
  chmod 755 "$r/usr/sbin/policy-rc.d"
  cp -L /etc/resolv.conf "$r/etc/resolv.conf.lab" && mv -f "$r/etc/resolv.conf.lab" "$r/etc/resolv.conf"
  # What only costs time: the index of manual pages, and Sendmail's wait of a minute for a
  # name with a dot in it.
  rm -f "$r/var/lib/man-db/auto-update"
  qualified_hosts >"$r/etc/hosts"
  if [ "$(suite "$1")" != bookworm ]; then
    rm -rf "$r"/etc/apt/sources.list.d/* "$r"/etc/apt/preferences.d/*
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $(suite "$1") main" >"$r/etc/apt/sources.list"
    $apt update >"$log" 2>&1 || fail "$1: $(mirror) $(suite "$1") cannot be read: $(grep '^[EW]:' "$log" | tail -n 1)"
  fi
  if ! $apt install --no-install-recommends $(packages "$1") >"$log" 2>&1; then
    { $apt update || true; chroot "$r" dpkg --configure -a || true; } >>"$log" 2>&1
    $apt install --no-install-recommends $(packages "$1") >>"$log" 2>&1 ||
      fail "$1: apt-get install $(packages "$1") failed: $(grep '^E:' "$log" | tail -n 1) (all of it in $log)"
  fi
}

# qualified_hosts prints an /etc/hosts in which the machine's own name gets a domain.
qualified_hosts() { echo "127.0.0.1 $(hostname).lab.example $(hostname) localhost"; }

# root_bootstrap BASE: a root without overlay, for containers that may not mount one, or
# whose own root is an overlay already.
root_bootstrap() {
  local r d=$state/$1 log=$state/$1/install.log
  r=$(root "$1")
  (
    flock 8 # two receivers must not both install it
    command -v mmdebstrap >/dev/null ||
      { apt-get -q -y install --no-install-recommends mmdebstrap || { apt-get -q update && apt-get -q -y install --no-install-recommends mmdebstrap; }; } >"$log" 2>&1
  ) 8>"$state/bootstrap.lock" ||
    fail "$1: no overlay root ($(head -n 1 "$d/mount.log")) and no mmdebstrap to make a plain one ($(grep '^E:' "$log" | tail -n 1))"
  rm -rf --one-file-system "$r"
  mmdebstrap --mode=root --variant=apt --include="$(packages "$1" | tr ' ' ,)" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "3"' \
    --dpkgopt=force-unsafe-io --essential-hook='printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
    --essential-hook="echo '$(qualified_hosts)' >\"\$1/etc/hosts\"" \
    "$(suite "$1")" "$r" "$(mirror)" >"$log" 2>&1 ||
    fail "$1: no overlay root ($(head -n 1 "$d/mount.log")) and mmdebstrap failed: $(grep '^E:' "$log" | tail -n 1) (all of it in $log)"
}

# root_finish NAME: certificate and names.
root_finish() {
  local r
  r=$(root "$1")
  mkdir -p "$r/etc/lab"
  chroot "$r" openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$1.lab.example" \
    -keyout /etc/lab/key.pem -out /etc/lab/cert.pem 2>>"$state/$1/finish.log" ||
    fail "$1: openssl made no certificate (see $state/$1/finish.log)"
  chmod 600 "$r/etc/lab/key.pem"
  # From here on names come from this file alone; a DNS question is refused at once and not
  # timed out, so that no receiver waits for one.
  echo "127.0.0.1 localhost $1.lab.example lab.example $(hostname)" >"$r/etc/hosts"
  echo 'nameserver 127.0.0.1' >"$r/etc/resolv.conf"
  echo 'hosts: files' >"$r/etc/nsswitch.lab"
  grep -v '^hosts:' "$r/etc/nsswitch.conf" >>"$r/etc/nsswitch.lab" || true
  mv "$r/etc/nsswitch.lab" "$r/etc/nsswitch.conf"
  touch "$r/etc/lab/finished"
}

# root_pids NAME: the live processes of that root. The kernel says whose root is which to a
# process that may look (CAP_SYS_PTRACE). Of processes that it does not tell about, the session
# that the daemon was started in has to do, and that only within one life of the machine or
# container.
root_pids() {
  local r p doubt session mine=""
  r=$(root "$1")
  [ ! -s "$state/$1/session" ] || read -r mine <"$state/$1/session"
  find /proc/[0-9]*/root -maxdepth 0 \( \( -lname "$r" -o -lname "$r/*" \) -printf '%h\n' -o ! -readable -printf '%h ?\n' \) 2>/dev/null |
    while IFS='/ ' read -r _ _ p doubt; do
      [ -z "$doubt" ] || session_of "$p"
      if [ -z "$doubt" ] || [ "${session:-none}" = "$mine" ]; then echo "$p"; fi
    done
}

# belongs NAME PID: whether that process lives in that root.
belongs() {
  local p
  for p in $(root_pids "$1"); do
    [ "$p" != "$2" ] || return 0
  done
  return 1
}

# session_of PID sets session to the process's session and the start of process 1; to nothing
# for the dead and for zombies, which are waiting for somebody else. It is asked so often that
# it must do without a fork.
session_of() {
  local own="" first=""
  session=""
  { IFS= read -r -d '' own <"/proc/$1/stat"; } 2>/dev/null || true
  [ -n "$own" ] || return 0
  IFS= read -r -d '' first </proc/1/stat || true
  set -- ${own##*) }
  [ "$1" != Z ] || return 0
  session=$4
  set -- ${first##*) }
  session="$session ${20}"
}

# root_unmount NAME: nothing stays mounted there.
root_unmount() {
  local r m
  r=$(root "$1")
  for m in "$r/dev" "$r/proc" "$r"; do
    ! mountpoint -q "$m" || umount "$m" || fail "$1: $m is busy and stays mounted"
  done
}

# root_remove NAME: unmount, then delete; nothing is deleted through a mount that is left.
root_remove() {
  root_unmount "$1"
  rm -rf --one-file-system "${state:?}/$1"
}
