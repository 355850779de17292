// Processes that make themselves children of the job host, the parent of their parent: clone(2) with CLONE_PARENT.
//   parented WAY COUNT end|wait
//   live      each continues in its own session, ignores SIGTERM and keeps no stream open
//   dead      each ends at once
//   chain     the same, as the last of six processes of which each creates the next one and ends
//   threads   the same, created by several threads at once
//   headless  each is an orphan whose first thread has ended (state Z in /proc) while its second thread continues
//   hop       one process, which repeatedly creates a successor and ends
//   ids       each continues under another uid from a mapping, for which it waits (newuidmap(1))
//   orphans   the same as ids, by fork(2): orphans, not children of the job host
//   end       the first process ends; wait: it stays
// Prints "map PID" while it waits for its mapping, and finally "ready"; "refused ERRNO" if the kernel refuses.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OTHER_ID = 5, CHAIN = 5, COUNT_MOST = 64 };

static long sibling(void) { return syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0); }

static void live(void)
{
    setsid();
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (int i = 0; i < 3; i++)
        close(i);
    for (;;)
        pause();
}

static void *stay(void *none)
{
    for (;;)
        pause();
    return none;
}

static void headless(void)
{
    pthread_t second;
    setsid();
    signal(SIGTERM, SIG_IGN);
    for (int i = 0; i < 3; i++)
        close(i);
    if (pthread_create(&second, NULL, stay, NULL) == 0)
        syscall(SYS_exit, 0);
}

static void chain(int left)
{
    for (; left > 0; left--)
        if (sibling() > 0)
            _exit(0);
    live();
}

static void *brood(void *none)
{
    if (sibling() == 0)
        live();
    return none;
}

static void hop(void)
{
    signal(SIGTERM, SIG_IGN);
    for (int i = 0; i < 3; i++)
        close(i);
    for (;;) {
        if (sibling() > 0)
            _exit(0);
        setsid();
        usleep(300);
    }
}

static int mapped(void)
{
    char line[64];
    if (unshare(CLONE_NEWUSER) != 0)
        return -1;
    printf("map %d\n", getpid());
    fflush(stdout);
    for (int i = 0; i < 3000; i++) {
        FILE *map = fopen("/proc/self/uid_map", "re"), *groups = fopen("/proc/self/gid_map", "re");
        int is_mapped = map && groups && fgets(line, sizeof line, map) && fgets(line, sizeof line, groups);
        if (map) fclose(map);
        if (groups) fclose(groups);
        if (is_mapped)
            return setresgid(OTHER_ID, OTHER_ID, OTHER_ID) == 0 && setresuid(OTHER_ID, OTHER_ID, OTHER_ID) == 0 ? 0 : -1;
        usleep(10000);
    }
    return -1;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 64;
    int is_hop = strcmp(argv[1], "hop") == 0, is_dead = strcmp(argv[1], "dead") == 0, is_orphans = strcmp(argv[1], "orphans") == 0;
    int is_headless = strcmp(argv[1], "headless") == 0;
    int count = is_hop ? 1 : atoi(argv[2]);
    if ((is_orphans || strcmp(argv[1], "ids") == 0) && mapped() != 0) {
        perror("mapping");
        return 71;
    }
    if (strcmp(argv[1], "threads") == 0) {
        pthread_t all[COUNT_MOST];
        for (int i = 0; i < count && i < COUNT_MOST; i++)
            pthread_create(&all[i], NULL, brood, NULL);
        for (int i = 0; i < count && i < COUNT_MOST; i++)
            pthread_join(all[i], NULL);
        count = 0;
    }
    for (int i = 0; i < count; i++) {
        long made = is_orphans || is_headless ? fork() : sibling();
        if (made < 0) {
            printf("refused %d\n", errno);
            return 0;
        }
        if (made == 0 && is_dead)
            _exit(0);
        if (made == 0 && is_hop)
            hop();
        if (made == 0 && is_headless)
            headless();
        if (made == 0 && strcmp(argv[1], "chain") == 0)
            chain(CHAIN);
        if (made == 0)
            live();
    }
    printf("ready\n");
    fflush(stdout);
    if (strcmp(argv[3], "wait") == 0)
        for (;;)
            pause();
    return 0;
}
