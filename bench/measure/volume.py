"""A journaled volume for the spools. Without a journal ext4 creates files slowly (it avoids inodes that were deleted
recently), which punishes a queue of one file a message and is not what servers have."""
import os

from harness.process import run
from measure import WORK

SIZE_MIB = 3072


class Volume:
    """ext4 on a file behind a loop device with direct I/O; the build folder where that cannot be had."""

    def __init__(self):
        self.path = os.path.join(WORK, "volume")
        self.device = ""
        self.loop = None
        os.makedirs(self.path, exist_ok=True)
        self.note = self._mount()

    def _mount(self):
        """Mounts it; what to tell the reader."""
        if os.path.ismount(self.path):
            source = next(line.split()[0] for line in open("/proc/mounts") if line.split()[1] == self.path)
            self.device = os.path.basename(source)
            self.loop = source  # left by a run that was killed
            return "spools on the journaled volume that was mounted already"
        image = self.path + ".img"
        if not os.path.exists(image):
            written = run(["dd", "if=/dev/zero", "of=" + image, "bs=4M", "count=%d" % (SIZE_MIB // 4), "oflag=direct", "status=none"], timeout=300)
            if written.returncode != 0:
                return "spools in the build folder: " + written.stderr.strip()
        attached = run(["losetup", "--direct-io=on", "-f", "--show", image])
        if attached.returncode != 0:
            return "spools in the build folder, loop devices are not available: " + attached.stderr.strip()
        self.loop = attached.stdout.strip()
        made = run(["mkfs.ext4", "-q", "-F", self.loop], timeout=120)
        mounted = run(["mount", "-o", "noatime", self.loop, self.path])
        if made.returncode or mounted.returncode:
            run(["losetup", "-d", self.loop])
            self.loop = None
            return "spools in the build folder: " + made.stderr.strip() + mounted.stderr.strip()
        self.device = os.path.basename(self.loop)
        os.chmod(self.path, 0o755)
        return "spools on a journaled ext4 of their own (loop device, direct I/O)"

    def end(self):
        if not self.loop:
            return
        unmounted = run(["umount", self.path])
        if unmounted.returncode == 0:
            run(["losetup", "-d", self.loop])
        else:
            print("the volume stays mounted: " + unmounted.stderr.strip())
