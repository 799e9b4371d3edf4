#!/bin/sh
# Runs a command in a copy of this system: what it installs and writes is gone when it ends.
#     in-a-copy.sh COMMAND [ARGUMENT...]
# The copy is an overlay of / in memory. Nothing runs there but the command: /run is empty, so there is no systemd to ask.
set -eu
case "${IN_A_COPY:-}" in
    "")
        export IN_A_COPY=mounts
        if [ "$(id -u)" = 0 ]; then exec unshare --mount sh "$0" "$@"; fi
        # An ordinary user is root where nobody else is.
        exec unshare --mount --user --map-root-user sh "$0" "$@"
        ;;
esac
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
for place in dev proc; do mount --rbind "/$place" "/mnt/root/$place"; done
mount -t tmpfs tmpfs /mnt/root/run
mount -t tmpfs tmpfs /mnt/root/tmp
# What the package needs is told by an argument of the caller; a path below it is as outside.
if [ -n "${IN_A_COPY_SHOWS:-}" ]; then
    mkdir -p "/mnt/root$IN_A_COPY_SHOWS"
    mount --bind "$IN_A_COPY_SHOWS" "/mnt/root$IN_A_COPY_SHOWS"
fi
unset IN_A_COPY
exec chroot /mnt/root "$@"
