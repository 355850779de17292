// Waits for the standard input with poll(2), without a timeout, besides something else. Prints "begun" when it has it, "done" after 4 s.
//   polls page FILE   the poll structures are on a page of that file, which is mapped once the kernel has read it
//   polls open FILE   also has that file open
//   polls socket      also has a socket open, and polls it too
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void fail(const char *what)
{
    perror(what);
    _exit(71);
}

static void *await(void *polled)
{
    struct pollfd *entries = polled;
    poll(entries, entries[1].fd < 0 ? 1 : 2, -1);
    return NULL;
}

static void end(int number)
{
    (void)number;
    if (write(1, "done\n", 5) < 0)
        _exit(72);
    _exit(0);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "", *path = argc > 2 ? argv[2] : "";
    struct pollfd *entries = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (entries == MAP_FAILED)
        fail("mmap");
    entries[0] = (struct pollfd){.fd = 0, .events = POLLIN};
    entries[1] = (struct pollfd){.fd = -1};
    int ends[2], file = -1;
    if (strcmp(how, "socket") == 0) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
            fail("socketpair");
        entries[1] = (struct pollfd){.fd = ends[0], .events = POLLIN};
        signal(SIGALRM, end);
        alarm(4);
    } else if ((file = open(path, O_RDONLY)) < 0) {
        fail("open");
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, await, entries) != 0)
        fail("pthread_create");
    usleep(300000);
    if (strcmp(how, "page") == 0) {
        if (mmap(entries, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
            fail("mmap");
        close(file);
    }
    if (write(1, "begun\n", 6) < 0)
        return 72;
    pthread_join(thread, NULL);
    return 0;
}
