// Tests what is accessible: reach WORD... prints "WORD ERRNO" for each, 0 for success. A number is the pid of a process to signal.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void *nothing(void *argument) { return argument; }

static long forked(long child)
{
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid((pid_t)child, NULL, 0);
    return child;
}

// Whether a byte passes.
static long carried(int made, const int *into, const int *from)
{
    char byte = 'x';
    return made < 0 ? made : write(*into, &byte, 1) == 1 && read(*from, &byte, 1) == 1 ? 0 : -1;
}

// A datagram to the socket of a service, through one end of a pair.
static long sent(const char *path)
{
    int ends[2];
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0)
        return -1;
    return sendto(ends[0], "escaped", 7, 0, (struct sockaddr *)&to, sizeof to);
}

static long child_killed(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    if (child < 0 || kill(child, SIGKILL) < 0)
        return -1;
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) ? 0 : -1;
}

// A limit of another process, through which the kernel could kill it.
static long limited(const char *pid)
{
    struct rlimit none = { 0, 0 };
    return prlimit((pid_t)strtol(pid, NULL, 10), RLIMIT_CORE, &none, NULL);
}

static long attempt(const char *word)
{
    static int limiting;
    if (strcmp(word, "limiting") == 0) { limiting = 1; return 0; }
    if (limiting) return limited(word);
    struct clone_args three = { .exit_signal = SIGCHLD };
    struct perf_event_attr counter = { .size = sizeof counter };
    char room[256] = { 0 };
    int ends[2];
    const char *path = strchr(word, ':');
    if (path && strncmp(word, "read:", 5) == 0) return open(path + 1, O_RDONLY);
    if (path && strncmp(word, "write:", 6) == 0) return open(path + 1, O_WRONLY);
    if (path && strncmp(word, "make:", 5) == 0) { int made = open(path + 1, O_WRONLY | O_CREAT | O_EXCL, 0600); return made < 0 ? made : unlink(path + 1); }
    if (path && strncmp(word, "cut:", 4) == 0) return truncate(path + 1, 0);
    if (*word >= '1' && *word <= '9') return kill((pid_t)strtol(word, NULL, 10), 0);
    if (path && strncmp(word, "send:", 5) == 0) return sent(path + 1);
    if (strcmp(word, "kill-child") == 0) return child_killed();
    if (strcmp(word, "pipe") == 0) return carried(pipe(ends), &ends[1], &ends[0]);
    if (strcmp(word, "pair-stream") == 0) return carried(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), &ends[0], &ends[1]);
    if (strcmp(word, "pair-seqpacket") == 0) return carried(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), &ends[0], &ends[1]);
    if (strcmp(word, "pair-datagram") == 0) return carried(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), &ends[0], &ends[1]);
    if (strcmp(word, "pair-raw") == 0) return carried(socketpair(AF_UNIX, SOCK_RAW, 0, ends), &ends[0], &ends[1]);
    if (strcmp(word, "pair-high") == 0) return syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM | (1L << 32), 0, ends);
    if (strcmp(word, "ptrace") == 0) return ptrace(PTRACE_PEEKDATA, 0x7fffffff, 0, 0);
    if (strcmp(word, "process_vm_readv") == 0) return syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0);
    if (strcmp(word, "keyctl") == 0) return syscall(SYS_keyctl, 0, -3, 0);
    if (strcmp(word, "add_key") == 0) return syscall(SYS_add_key, "user", "pipeforkas", "x", 1, -1);
    if (strcmp(word, "unshare") == 0) return unshare(CLONE_NEWUSER);
    if (strcmp(word, "unshare-files") == 0) return unshare(CLONE_FILES);
    if (strcmp(word, "clone-namespace") == 0) return forked(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
    if (strcmp(word, "clone-parent") == 0) return forked(syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0));
    if (strcmp(word, "clone3") == 0) return forked(syscall(SYS_clone3, &three, sizeof three));
    if (strcmp(word, "setns") == 0) return setns(-1, 0);
    if (strcmp(word, "mount") == 0) return mount("none", "/nowhere", "tmpfs", 0, NULL);
    if (strcmp(word, "bpf") == 0) return syscall(SYS_bpf, 0, NULL, 0);
    if (strcmp(word, "perf_event_open") == 0) return syscall(SYS_perf_event_open, &counter, 0, -1, -1, 0);
    if (strcmp(word, "userfaultfd") == 0) return syscall(SYS_userfaultfd, 1);
    if (strcmp(word, "io_uring_setup") == 0) return syscall(SYS_io_uring_setup, 1, room);
    if (strcmp(word, "open_by_handle_at") == 0) return syscall(SYS_open_by_handle_at, -1, room, 0);
    if (strcmp(word, "tiocsti") == 0) return ioctl(0, TIOCSTI, "x");
    if (strcmp(word, "tiocsti-high") == 0) return syscall(SYS_ioctl, 0, TIOCSTI | (1L << 32), "x");
    if (strcmp(word, "ioctl") == 0) return ioctl(0, FIONREAD, room);
    if (strcmp(word, "inet") == 0) return socket(AF_INET, SOCK_STREAM, 0);
    if (strcmp(word, "inet6") == 0) return socket(AF_INET6, SOCK_DGRAM, 0);
    if (strcmp(word, "netlink") == 0) return socket(AF_NETLINK, SOCK_RAW, 0);
    if (strcmp(word, "unix") == 0) return socket(AF_UNIX, SOCK_STREAM, 0);
    if (strcmp(word, "fork") == 0) return forked(fork());
    if (strcmp(word, "x32") == 0) return syscall(0x40000000 | SYS_getpid);
    if (strcmp(word, "thread") == 0) {
        pthread_t thread;
        errno = pthread_create(&thread, NULL, nothing, NULL);
        return errno ? -1 : pthread_join(thread, NULL);
    }
    if (strcmp(word, "int80") == 0) {
        long result = 20; // getpid of i386
        __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
        return result;
    }
    errno = 9999;
    return -1;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        errno = 0;
        long result = attempt(argv[i]);
        printf("%s %d\n", argv[i], result < 0 ? errno : 0);
        fflush(stdout);
    }
    return 0;
}
