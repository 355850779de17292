// Adds its own end of a socket to many epoll instances, under many descriptor numbers. Each call of the peer (send, recv, shutdown, close)
// then wakes all of these watches, on the thread of the peer.
//   watches client SOCKET REQUEST WATCHES   of a connection to a daemon; sends REQUEST, then one byte after the other
//   watches output WATCHES                  of its standard output; writes one byte after the other
// Prints "ready" (a client) when the watches exist.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NUMBERS = 500, PAUSE_MICROSECONDS = 1000 };

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void watch(int socket, int count)
{
    struct rlimit files;
    int numbers[NUMBERS];
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        die("getrlimit");
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        die("setrlimit");
    for (int i = 0; i < NUMBERS; i++)
        if ((numbers[i] = fcntl(socket, F_DUPFD_CLOEXEC, 3)) < 0)
            die("dup");
    for (int left = count; left > 0; left -= NUMBERS) {
        int epoll = epoll_create1(EPOLL_CLOEXEC);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT};
        if (epoll < 0)
            die("epoll_create1");
        for (int i = 0; i < NUMBERS; i++)
            if (epoll_ctl(epoll, EPOLL_CTL_ADD, numbers[i], &event) < 0)
                die("epoll_ctl");
    }
}

int main(int argc, char **argv)
{
    int is_client = argc == 5 && strcmp(argv[1], "client") == 0, to = 1;
    char bytes[4096];
    if (!is_client && argc != 3)
        return 64;
    if (is_client) {
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        strncpy(at.sun_path, argv[2], sizeof at.sun_path - 1);
        to = socket(AF_UNIX, SOCK_STREAM, 0);
        watch(to, atoi(argv[4]));
        if (connect(to, (void *)&at, sizeof at) < 0)
            die("connect");
        if (send(to, argv[3], strlen(argv[3]), MSG_NOSIGNAL) < 0 || send(to, "\n", 1, MSG_NOSIGNAL) < 0)
            die("send");
        if (write(1, "ready\n", 6) < 0)
            die("write");
    } else {
        watch(to, atoi(argv[2]));
    }
    for (;;) {
        if (send(to, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
            return 0;
        while (is_client && recv(to, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
            ;
        usleep(PAUSE_MICROSECONDS);
    }
}
