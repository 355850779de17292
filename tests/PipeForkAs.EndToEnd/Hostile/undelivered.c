// A file system with a file whose content never arrives: undelivered FOLDER taken|waiting
// Mounts itself at FOLDER and serves FOLDER/never, a file of 64 KiB. A read of it waits until this program is killed, and then fails.
// taken: it reads the request for a page and never answers, so no signal ends the wait; waiting: it does not even read it.
// Prints "mounted" when it is mounted.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 65536, FILE_NODE = 2 };

static int device;

static void answer(uint64_t unique, int error, const void *data, size_t size) {
    char reply[4096];
    struct fuse_out_header header = {.len = (uint32_t)(sizeof header + size), .error = error, .unique = unique};
    memcpy(reply, &header, sizeof header);
    if (size > 0) memcpy(reply + sizeof header, data, size);
    if (write(device, reply, header.len) < 0 && errno != ENOENT) err(1, "write");
}

static struct fuse_attr attributes(uint64_t node) {
    int is_file = node == FILE_NODE;
    return (struct fuse_attr){.ino = node, .size = is_file ? SIZE : 0, .mode = is_file ? S_IFREG | 0444 : S_IFDIR | 0555, .nlink = 1};
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int takes = !strcmp(argv[2], "taken");
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0) err(1, "/dev/fuse");
    char options[128];
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
    if (mount("undelivered", argv[1], "fuse.undelivered", MS_NOSUID | MS_NODEV, options)) err(1, "mount");

    static char request[1 << 20];
    int is_told = 0;
    for (;;) {
        ssize_t length = read(device, request, sizeof request);
        if (length < 0 && (errno == EINTR || errno == ENOENT)) continue;
        if (length < (ssize_t)sizeof(struct fuse_in_header)) err(1, "read");
        struct fuse_in_header *header = (struct fuse_in_header *)request;
        switch (header->opcode) {
            case FUSE_INIT: {
                struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096};
                answer(header->unique, 0, &init, sizeof init);
                if (!is_told++) puts("mounted"), fflush(stdout);
                break;
            }
            case FUSE_LOOKUP: {
                struct fuse_entry_out entry = {.nodeid = FILE_NODE, .entry_valid = 3600, .attr_valid = 3600, .attr = attributes(FILE_NODE)};
                answer(header->unique, 0, &entry, sizeof entry);
                break;
            }
            case FUSE_GETATTR: {
                struct fuse_attr_out attr = {.attr_valid = 3600, .attr = attributes(header->nodeid)};
                answer(header->unique, 0, &attr, sizeof attr);
                break;
            }
            case FUSE_OPEN: {
                struct fuse_open_out opened = {.open_flags = FOPEN_NOFLUSH};
                answer(header->unique, 0, &opened, sizeof opened);
                // The next request is the one for a page.
                if (!takes) for (;;) pause();
                break;
            }
            case FUSE_READ:
            case FUSE_FORGET:
            case FUSE_INTERRUPT:
                break;
            default:
                answer(header->unique, -ENOSYS, NULL, 0);
        }
    }
}
