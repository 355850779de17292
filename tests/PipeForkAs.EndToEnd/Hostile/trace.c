// Attempts to inspect or change other processes: trace PID... prints "PID WORD ERRNO" for each attempt, 0 for success.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void tell(const char *pid, const char *word, long result) { printf("%s %s %d\n", pid, word, result < 0 ? errno : 0); }

static void look(const char *pid, const char *name, int flags)
{
    char path[256];
    snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    tell(pid, name, open(path, flags));
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int pid = atoi(argv[i]);
        char word[8];
        struct iovec own = { word, sizeof word }, other = { (void *)0x400000, sizeof word };
        look(argv[i], "mem", O_RDWR);
        look(argv[i], "mem", O_RDONLY);
        look(argv[i], "environ", O_RDONLY);
        look(argv[i], "maps", O_RDONLY);
        look(argv[i], "fd/3", O_RDWR);
        look(argv[i], "cwd", O_RDONLY);
        tell(argv[i], "pidfd_getfd", syscall(438, syscall(434, pid, 0), 3, 0));
        tell(argv[i], "process_vm_readv", process_vm_readv(pid, &own, 1, &other, 1, 0));
        tell(argv[i], "kcmp", syscall(SYS_kcmp, pid, getpid(), 0, 0, 0));
        tell(argv[i], "seize", ptrace(PTRACE_SEIZE, pid, NULL, NULL));
        tell(argv[i], "attach", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
        fflush(stdout);
    }
    return 0;
}
