// Clients of another uid, many at once:
//   flood hold SOCKET UID COUNT REQUEST MS    keeps COUNT connections for MS; each sends REQUEST, and another begins when one ends
//   flood groups SOCKET UID COUNT REQUEST MS  the same, as a member of the maximum number of groups
//   flood churn SOCKET UID COUNT REQUEST MS   connects and closes for MS, one connection after the other
//   flood probe SOCKET UID COUNT REQUEST MS   sends REQUEST and reads the reply, COUNT times, MS apart
//   flood eager SOCKET UID COUNT REQUEST MS   the same, with nonblocking connects that are repeated while the queue is full
//   flood burst SOCKET UID COUNT REQUEST MS   sends COUNT requests at once and reads all replies
// REQUEST is a file; it may be empty. A reply is good if it contains "uid=". "probe" prints the milliseconds of the slowest reply and how
// many were not good, "burst" how many were.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MOST 4096
#define FIRST_GROUP 493216
#define PATIENCE 2000 // milliseconds

static struct sockaddr_un place = { .sun_family = AF_UNIX };
static char request[65536];
static size_t length;

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int enter(int flags)
{
    int s = socket(AF_UNIX, SOCK_STREAM | flags, 0);
    if (s < 0) return -1;
    if (connect(s, (struct sockaddr *)&place, sizeof place) == 0) return s;
    int error = errno;
    close(s);
    errno = error;
    return -1;
}

// Reads the reply to its end. Returns whether it is that of the job "id".
static int answered(int s)
{
    char answer[4097];
    size_t have = 0;
    ssize_t got;
    while ((got = read(s, answer + have, sizeof answer - 1 - have)) > 0) have += (size_t)got;
    answer[have] = 0;
    close(s);
    return got == 0 && strstr(answer, "uid=") != NULL;
}

static int hold(int count, long ms)
{
    static struct pollfd all[MOST];
    static size_t sent[MOST];
    char rest[4096];
    for (int i = 0; i < count; i++) all[i].fd = -1;
    for (long end = now() + ms; now() < end;) {
        for (int i = 0; i < count; i++) {
            if (all[i].fd >= 0) continue;
            if ((all[i].fd = enter(SOCK_NONBLOCK)) < 0) break;
            all[i].events = length > 0 ? POLLIN | POLLOUT : POLLIN;
            sent[i] = 0;
        }
        if (poll(all, (nfds_t)count, 10) <= 0) continue;
        for (int i = 0; i < count; i++) {
            if (all[i].fd < 0 || all[i].revents == 0) continue;
            if (all[i].revents & POLLOUT) {
                ssize_t did = send(all[i].fd, request + sent[i], length - sent[i], MSG_NOSIGNAL);
                if (did > 0) sent[i] += (size_t)did;
                if (sent[i] == length) all[i].events = POLLIN;
            }
            if (all[i].revents & ~POLLOUT) {
                ssize_t got = read(all[i].fd, rest, sizeof rest);
                if (got > 0 || (got < 0 && errno == EAGAIN)) continue;
                close(all[i].fd);
                all[i].fd = -1;
            }
        }
    }
    return 0;
}

static int churn(long ms)
{
    for (long end = now() + ms; now() < end;) {
        int s = enter(0);
        if (s >= 0) close(s);
    }
    return 0;
}

static int probe(int count, long ms, int flags)
{
    long slowest = 0;
    int failed = 0;
    for (int i = 0; i < count; i++) {
        long begun = now();
        int s;
        while ((s = enter(flags)) < 0 && errno == EAGAIN && now() - begun < PATIENCE) poll(NULL, 0, 1);
        if (s >= 0) fcntl(s, F_SETFL, 0);
        if (s < 0 || send(s, request, length, MSG_NOSIGNAL) != (ssize_t)length) failed++;
        else if (!answered(s)) failed++;
        if (now() - begun > slowest) slowest = now() - begun;
        poll(NULL, 0, (int)ms);
    }
    return printf("%ld %d\n", slowest, failed) < 0;
}

static int burst(int count)
{
    static int all[MOST];
    int good = 0;
    for (int i = 0; i < count; i++) {
        all[i] = enter(0);
        if (all[i] >= 0 && send(all[i], request, length, MSG_NOSIGNAL) != (ssize_t)length) perror("send");
    }
    for (int i = 0; i < count; i++) good += all[i] >= 0 && answered(all[i]);
    return printf("%d\n", good) < 0;
}

int main(int argc, char **argv)
{
    if (argc != 7) return 64;
    uid_t uid = (uid_t)strtoul(argv[3], NULL, 10);
    int count = atoi(argv[4]);
    long ms = atol(argv[6]);
    struct rlimit files = { MOST + 64, MOST + 64 };
    int file = open(argv[5], O_RDONLY | O_CLOEXEC);
    ssize_t got = read(file, request, sizeof request);
    snprintf(place.sun_path, sizeof place.sun_path, "%s", argv[2]);
    if (got < 0 || count > MOST || setrlimit(RLIMIT_NOFILE, &files) != 0) { perror(argv[5]); return 70; }
    length = (size_t)got;
    close(file);
    static gid_t groups[NGROUPS_MAX];
    size_t member_of = strcmp(argv[1], "groups") == 0 ? NGROUPS_MAX : 0;
    for (size_t i = 0; i < member_of; i++) groups[i] = FIRST_GROUP + (gid_t)i;
    if (setgroups(member_of, groups) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) { perror("setresuid"); return 70; }
    if (strcmp(argv[1], "hold") == 0 || member_of > 0) return hold(count, ms);
    if (strcmp(argv[1], "churn") == 0) return churn(ms);
    if (strcmp(argv[1], "eager") == 0) return probe(count, ms, SOCK_NONBLOCK);
    return strcmp(argv[1], "probe") == 0 ? probe(count, ms, 0) : burst(count);
}
