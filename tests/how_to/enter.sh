#!/bin/sh
# Makes a copy of this machine in namespaces of their own and runs the reader of a page in it. What is written there
# is in memory, and gone with the last process. Usage, within unshare: enter.sh FOLDER CHECKOUT PYTHON <PAGE
set -eu
folder=$1 checkout=$2 python=$3
mount -t tmpfs -o size=6g scratch "$folder"
mkdir "$folder/changed" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/changed,workdir=$folder/work" "$folder/root"
cd "$folder/root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
for own in dev/shm tmp run; do
    mount -t tmpfs -o mode=1777 "$own" "$own"
done
chmod 755 run
# What is not on the disk of `/`, or below `/tmp`; the reader changes nothing of it.
for seen in "$checkout" "$(dirname "$(dirname "$python")")"; do
    mkdir -p ".$seen"
    mount --bind "$seen" ".$seen"
    mount -o remount,bind,ro ".$seen"
done
# Not by exec: the first process of a namespace has to wait for those that others leave behind.
chroot . sh -c 'cd "$1" && exec "$2" -m tests.how_to.reader' sh "$checkout" "$python"
