// Keeps the lock of a pipe: hold FILE stdout|stdin
// Maps memory from FILE, whose pages never arrive. A thread writes from this memory, or reads into it, and holds the lock of its pipe
// meanwhile. For stdout the worker (the parent) is stopped until the lock is held and there is data to move, so that it waits for the lock.
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *never;

static void *hold(void *to) {
    if (to != NULL)
        return write(STDOUT_FILENO, never, 4096) < 0 ? to : NULL;
    return read(STDIN_FILENO, never, 4096) < 0 ? to : NULL;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int file = open(argv[1], O_RDONLY);
    if (file < 0) err(1, "%s", argv[1]);
    never = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (never == MAP_FAILED) err(1, "mmap");
    pthread_t holder;
    if (!strcmp(argv[2], "stdout")) {
        if (kill(getppid(), SIGSTOP)) err(1, "kill");
        if (write(STDOUT_FILENO, "holding\n", 8) != 8) err(1, "write");
        pthread_create(&holder, NULL, hold, argv);
        usleep(200000);
        if (kill(getppid(), SIGCONT)) err(1, "kill");
    } else {
        // Its input continues as long as its client sends.
        if (write(STDOUT_FILENO, "holding\n", 8) != 8) err(1, "write");
        pthread_create(&holder, NULL, hold, NULL);
    }
    for (;;) pause();
}
