# Runs in a mount and PID namespace of its own, which ends with it.
#   $1 root of a Debian, only read       $2 files laid over it, only read
#   $3 an empty directory                $4 the script
#   $5 `inside` to run it in a chroot with /proc, `outside` to run it beside the root:
#      $MERGED is the root, $UPPER what was written to it, $OUT a directory that stays
set -euo pipefail
mount -t tmpfs -o mode=755 stage "$3"
mkdir "$3/upper" "$3/work" "$3/merged"
mount -t overlay stage -o "lowerdir=$2:$1,upperdir=$3/upper,workdir=$3/work" "$3/merged"
if [ "$5" = inside ]; then
    mount -t proc proc "$3/merged/proc"
    exec chroot "$3/merged" /bin/bash -euo pipefail -c "$4"
fi
export UPPER=$3/upper MERGED=$3/merged OUT=$3/../out
exec /bin/bash -euo pipefail -c "$4"
