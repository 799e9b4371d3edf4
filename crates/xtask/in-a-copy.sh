#!/bin/sh
# Runs a command in a copy of this system: what it installs and writes is gone when it ends.
#     in-a-copy.sh COMMAND [ARGUMENT...]
# The copy is an overlay of / in memory. Nothing runs there but the command: /run is empty, so there is no systemd to ask.
set -eu
if [ "${IN_A_COPY:-}" != mounts ]; then
    # A user who is root in a namespace of his own may not lay an overlay over /.
    if [ "$(id -u)" != 0 ]; then
        echo "a copy of this system needs root" >&2
        exit 1
    fi
    IN_A_COPY=mounts exec unshare --mount sh "$0" "$@"
fi
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
for place in dev proc; do mount --rbind "/$place" "/mnt/root/$place"; done
mount -t tmpfs tmpfs /mnt/root/run
mount -t tmpfs tmpfs /mnt/root/tmp
# A directory of the caller, which is there as it is outside.
if [ -n "${IN_A_COPY_SHOWS:-}" ]; then
    mkdir -p "/mnt/root$IN_A_COPY_SHOWS"
    mount --bind "$IN_A_COPY_SHOWS" "/mnt/root$IN_A_COPY_SHOWS"
fi
unset IN_A_COPY
exec chroot /mnt/root "$@"
