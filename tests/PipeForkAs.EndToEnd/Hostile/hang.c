// A FUSE file system with one file, "file", that never answers one kind of request. fusermount3 mounts such file systems for all users.
//   hang FOLDER UID GID open|read|getattr
// Mounts it for the user at FOLDER, prints "ready", and serves as the user until the end of its input; then unmounts it. Processes that
// wait for an answer then get an error.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOT_NODE = 1, FILE_NODE = 2, ENTRY_SECONDS = 3600 };

static uid_t uid;
static gid_t gid;

static struct fuse_attr attributes(uint64_t node)
{
    int is_root = node == ROOT_NODE;
    return (struct fuse_attr){.ino = node, .size = 1 << 20, .mode = is_root ? S_IFDIR | 0755 : S_IFREG | 0755, .nlink = 1, .uid = uid, .gid = gid, .blksize = 4096};
}

static void answer(int device, uint64_t unique, int error, const void *data, size_t length)
{
    char message[512];
    struct fuse_out_header header = {.len = (uint32_t)(sizeof header + length), .error = error, .unique = unique};
    memcpy(message, &header, sizeof header);
    memcpy(message + sizeof header, data, length);
    if (write(device, message, header.len) < 0 && errno != ENOENT)
        perror("answer");
}

static void serve(int device, uint32_t unanswered)
{
    static char buffer[1 << 18];
    for (;;) {
        ssize_t got = read(device, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < (ssize_t)sizeof(struct fuse_in_header))
            _exit(0);
        struct fuse_in_header in;
        memcpy(&in, buffer, sizeof in);
        if (in.opcode == unanswered || in.opcode == FUSE_FORGET || in.opcode == FUSE_BATCH_FORGET || in.opcode == FUSE_INTERRUPT)
            continue;
        struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = 65536, .max_background = 12, .max_write = 65536, .time_gran = 1};
        struct fuse_entry_out entry = {.nodeid = FILE_NODE, .entry_valid = ENTRY_SECONDS, .attr_valid = unanswered == FUSE_GETATTR ? 0 : ENTRY_SECONDS, .attr = attributes(FILE_NODE)};
        struct fuse_attr_out attribute = {.attr_valid = ENTRY_SECONDS, .attr = attributes(in.nodeid)};
        struct fuse_open_out opened = {.fh = 1};
        if (in.opcode == FUSE_INIT)
            answer(device, in.unique, 0, &init, sizeof init);
        else if (in.opcode == FUSE_LOOKUP)
            answer(device, in.unique, 0, &entry, sizeof entry);
        else if (in.opcode == FUSE_GETATTR)
            answer(device, in.unique, 0, &attribute, sizeof attribute);
        else if (in.opcode == FUSE_OPEN || in.opcode == FUSE_OPENDIR)
            answer(device, in.unique, 0, &opened, sizeof opened);
        else if (in.opcode == FUSE_RELEASE || in.opcode == FUSE_RELEASEDIR || in.opcode == FUSE_FLUSH || in.opcode == FUSE_ACCESS)
            answer(device, in.unique, 0, "", 0);
        else
            answer(device, in.unique, -ENOSYS, "", 0);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 64;
    uid = (uid_t)strtoul(argv[2], NULL, 10);
    gid = (gid_t)strtoul(argv[3], NULL, 10);
    char options[128], byte;
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other", device, uid, gid);
    if (device < 0 || mount("hang", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
        perror("mount");
        return 71;
    }
    pid_t server = fork();
    if (server == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
            _exit(71);
        close(0);
        close(1);
        serve(device, strcmp(argv[4], "open") == 0 ? FUSE_OPEN : strcmp(argv[4], "read") == 0 ? FUSE_READ : FUSE_GETATTR);
    }
    close(device);
    printf("ready\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    if (umount2(argv[1], MNT_DETACH) < 0)
        perror("umount");
    return 0;
}
