#!/bin/bash
# Boots systemd from the root file system $1 in namespaces of its own, except the network. What the machine
# writes is kept in memory, mounted at the empty directory $2 in its own namespace only. Prints the id of the
# machine's process 1, and ends the machine on SIGTERM.
set -eu
lower=$1 work=$2 role=${3:-outside}

groups=/sys/fs/cgroup
[ -e $groups/cgroup.controllers ] || groups=$groups/systemd

if [ "$role" = outside ]; then
  group=$groups/serverledge-machine-$$
  mkdir "$group"
  echo $$ >"$group/cgroup.procs"
  unshare --fork --pid --mount --ipc --uts --cgroup --kill-child bash "$0" "$lower" "$work" inside &
  child=$!
  # bash would report the end that was asked for.
  trap 'exec 2>/dev/null; kill -9 $child' TERM
  until grep . "/proc/$child/task/$child/children"; do sleep 0.02; done
  wait $child || wait $child || true
  echo $$ >$groups/cgroup.procs
  for _ in $(seq 100); do
    # The kernel needs a moment to forget the machine's processes.
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
    sleep 0.05
  done
  exit
fi

mount --make-rprivate /
mount -t tmpfs -o mode=755 machine "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" machine "$work/root"
cd "$work/root"
mount -t proc proc proc
mount --rbind /sys sys
if [ -e $groups/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 cgroups sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
for directory in run tmp dev; do mount -t tmpfs -o mode=755 "$directory" "$directory"; done
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
ln -s pts/ptmx dev/ptmx
mkdir dev/shm dev/pts run/lock old
chmod 1777 tmp run/lock
pivot_root . old
umount -l old
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=multi-user.target
