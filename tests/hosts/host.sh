#!/bin/bash
# A host is switched on: this is the first process of its namespaces, and becomes its sshd. host.sh FOLDER
set -euo pipefail
shared=$(dirname "$1") own=$1
hostname "$(basename "$own")"
traces=/tmp/sightline-$(id -u)
mkdir -p "$own"/{work,ray} /tmp/ray
mkdir -p -m 700 "$own/traces" "$traces"
mkdir "$own/home" 2>/dev/null && new=yes || new=no
mount -t overlay overlay -o "lowerdir=$HOME,upperdir=$own/home,workdir=$own/work" "$HOME"
if [ $new = yes ]; then # as on a machine that nobody has worked on
  rm -rf "$HOME"/.ray "$HOME"/.sightline* "$HOME"/.local/state/sightline "$HOME"/.bash_profile "$HOME"/.bash_login
  : > "$HOME/.bashrc"
  echo '. ~/.bashrc' > "$HOME/.profile"
fi
mount --bind "$own/ray" /tmp/ray
mount --bind "$own/traces" "$traces"
: > "$own/resolv.conf"
mount --bind "$own/resolv.conf" /etc/resolv.conf # a server of names that cannot be reached costs Ray 10 s at each turn
mount -t tmpfs -o size=1g tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd
install -d -m 700 "$HOME/.ssh"
install -m 600 "$shared/key.pub" "$HOME/.ssh/authorized_keys"
exec /usr/sbin/sshd -D -e -f /dev/null -o "HostKey=$shared/key" -o PubkeyAuthentication=yes -o PasswordAuthentication=no \
  -o PermitRootLogin=prohibit-password -o UsePAM=no -o StrictModes=no -o UseDNS=no -o PidFile=none -o MaxStartups=50
