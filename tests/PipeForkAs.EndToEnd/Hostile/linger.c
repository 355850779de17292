// Sends a descriptor whose last close takes SECONDS, and closes its own copy.
//   linger SECONDS HOW client SOCKET REQUEST [BYTES]    to a daemon: HOW "line": in the request, "input": after it (after BYTES bytes)
//   linger SECONDS HOW output NUMBER                    to an inherited stream
// Other values of HOW: "oob": with an out-of-band byte; "last": with the last byte before shutting down writing; "many": 253 at once;
// "unread": after more bytes than are read; "memory": a memory file of SECONDS times 64 MB instead of a lingering socket.
// Prints "refused" if the kernel refuses to send it, else "sent", and waits.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void die(const char *what) {
    perror(what);
    exit(2);
}

// A TCP socket with unsent data and SO_LINGER: the process that closes its last reference waits in close.
static int lingering(int seconds) {
    int size = 4096, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) < 0 || bind(listener, (void *)&at, length) < 0 || listen(listener, 1) < 0
        || getsockname(listener, (void *)&at, &length) < 0)
        die("listen");
    int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (one < 0 || connect(one, (void *)&at, length) < 0 || accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
        die("connect");
    static char data[65536];
    while (send(one, data, sizeof data, MSG_DONTWAIT) > 0)
        ;
    struct linger linger = {.l_onoff = 1, .l_linger = seconds};
    if (setsockopt(one, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0)
        die("SO_LINGER");
    return one;
}

static int large_memory(int seconds) {
    int file = memfd_create("large", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)seconds << 26) < 0)
        die("memfd");
    static char page[1 << 20];
    memset(page, 1, sizeof page);
    for (int i = 0; i < seconds << 6; i++)
        if (write(file, page, sizeof page) != sizeof page)
            die("write");
    return file;
}

// If it cannot be sent, its last reference is here and must not be closed.
static int give(int to, const char *data, size_t length, int what, int count, int flags) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(253 * sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    for (int i = 0; i < count; i++)
        memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &what, sizeof what);
    struct iovec part = {.iov_base = (void *)data, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    if (sendmsg(to, &message, flags | MSG_NOSIGNAL) >= 0)
        return 1;
    if (errno == EPERM)
        return 0;
    die("sendmsg");
    return 0;
}

static void all(int to, const char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = send(to, data, length, MSG_NOSIGNAL);
        if (sent < 0)
            die("send");
        data += sent;
        length -= (size_t)sent;
    }
}

int main(int argc, char **argv) {
    if (argc < 5)
        return 2;
    int seconds = atoi(argv[1]), is_client = strcmp(argv[3], "client") == 0;
    const char *how = argv[2];
    int is_line = strcmp(how, "line") == 0, count = strcmp(how, "many") == 0 ? 253 : 1, flags = strcmp(how, "oob") == 0 ? MSG_OOB : 0;
    int to = is_client ? socket(AF_UNIX, SOCK_STREAM, 0) : atoi(argv[4]);
    int what = strcmp(how, "memory") == 0 ? large_memory(seconds) : lingering(seconds);
    if (is_client) {
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        strncpy(at.sun_path, argv[4], sizeof at.sun_path - 1);
        if (connect(to, (void *)&at, sizeof at) < 0)
            die("connect");
        if (!is_line) {
            all(to, argv[5], strlen(argv[5]));
            all(to, "\n", 1);
            static char bytes[1 << 16];
            memset(bytes, 'x', sizeof bytes);
            for (long left = argc > 6 ? atol(argv[6]) : 0; left > 0; left -= sizeof bytes)
                all(to, bytes, left < (long)sizeof bytes ? (size_t)left : sizeof bytes);
        }
    }

    const char *text = is_line ? argv[5] : "y";
    int sent = give(to, text, is_line ? strlen(text) : 1, what, count, flags);
    if (is_line)
        (void)send(to, "\n", 1, MSG_NOSIGNAL);
    if (strcmp(how, "last") == 0)
        shutdown(to, SHUT_WR);
    const char *word = sent ? "sent\n" : "refused\n";
    if (write(is_client ? 1 : 2, word, strlen(word)) < 0)
        return 2;
    if (sent)
        close(what); // The other process now has the last reference, or will have it.
    if (strcmp(how, "gone") == 0)
        return 0;
    sleep(60);
    return 0;
}
