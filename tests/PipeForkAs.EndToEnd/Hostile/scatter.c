// Descendants that try to escape. scatter COUNT wait|exit keep|undo [hop]
//   COUNT     descendants, each in its own session, every second one an orphan; all ignore SIGTERM and close their outputs
//   wait      the first process stays; exit: it ends
//   undo      the first process stops being a child subreaper, which it may do itself
//   hop       one more descendant forks itself endlessly, and ends in each round
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void close_outputs(void)
{
    close(0);
    close(1);
    close(2);
}

static void live(void)
{
    for (;;)
        pause();
}

static void hop(void)
{
    for (;;) {
        if (fork() > 0)
            _exit(0);
        setsid();
        usleep(300);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 64;
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (strcmp(argv[3], "undo") == 0 && prctl(PR_SET_CHILD_SUBREAPER, 0) != 0)
        return 71;
    int made[2];
    if (pipe(made) != 0)
        return 71;
    int count = atoi(argv[1]);
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child < 0)
            return 71;
        if (child == 0) {
            setsid();
            if (i % 2 == 1 && fork() != 0)
                _exit(0);
            close_outputs();
            if (write(made[1], "x", 1) != 1)
                _exit(71);
            live();
        }
    }
    if (argc > 4 && fork() == 0) {
        close_outputs();
        hop();
    }
    char byte;
    for (int i = 0; i < count; i++)
        if (read(made[0], &byte, 1) != 1)
            return 71;
    printf("ready\n");
    fflush(stdout);
    close_outputs();
    if (strcmp(argv[2], "wait") == 0)
        live();
    return 0;
}
