# Boots systemd as process 1 of namespaces of its own: bash init.sh DIRECTORY PROGRAM CGROUP. Its root is a tmpfs; of the host there is /usr, read-only, and nothing else. Units come from /run/units alone: those
# of the host, such as systemd-tmpfiles, which empties /tmp, are not known to it.
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir usr proc sys dev run tmp var etc opt old root
mkdir var/lib
mount --bind /usr usr
mount -o remount,bind,ro usr
for link in bin sbin lib lib64; do ln -s usr/$link $link; done
cp "$2" opt/closewait
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/urandom c 1 9
mount -t proc proc proc
mount -t cgroup2 cgroup2 sys
mkdir "sys/$3"
echo $$ > "sys/$3/cgroup.procs"
umount sys
echo 00000000000000000000000000000001 > etc/machine-id
echo root:x:0:0:root:/root:/bin/sh > etc/passwd
pivot_root . old
cd /
umount -l /old
exec unshare --cgroup bash -c '
set -eu
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /sys
mkdir -p /sys/fs/cgroup /run/units
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net /proc/sys/net # that of the namespace
mount -o remount,bind,ro /proc/sys
for unit in basic sysinit timers shutdown default; do printf "[Unit]\nDefaultDependencies=no\n" > /run/units/$unit.target; done
# Not one writable file of the host may be left, or nothing is started.
while read -r device mounted type options rest; do
	case $type:$mounted in proc:* | cgroup2:/sys/fs/cgroup | tmpfs:/ | tmpfs:/run | tmpfs:/sys) continue ;; esac
	case $options in ro | ro,*) continue ;; esac
	echo "writable: $mounted $type $options"
	exit 1
done < /proc/self/mounts
if touch /usr/closewait 2> /dev/null || [ -e /old/etc ]; then exit 1; fi
export container=closewait SYSTEMD_UNIT_PATH=/run/units
exec /lib/systemd/systemd --system --log-target=console --show-status=false'
