// Runs the program of a command job. The worker, which has already become the user and is in its sandbox, starts the program with pipes as
// its standard streams. From then on the worker is the pump: it moves bytes between these pipes and the sockets that connect it to the
// daemon.
//
// A program expects pipes: it cannot open a socket by a name such as /dev/stderr (ENXIO), and bash mistakes a socket for the connection of
// a remote shell. The daemon must not have an end of a pipe: the reader and the writer share one lock, and a hostile program can keep the
// lock as long as it likes (a write from memory that a file system never delivers). Here the lock delays only the program's own pump, in a
// sleep that ends when the program does.
//
// The pump is C because managed code cannot call vfork(2): the program's process begins in the pump's memory, and the kernel copies no page
// table for it. After pipeforkas_start_program has succeeded, no managed code runs in this process.
//
// The program can signal its pump, which has the same user. The pump blocks all signals except SIGKILL and SIGSTOP; with these two a job
// can only kill or delay itself. The program cannot trace the pump, which is not dumpable.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Which call failed, as an index for the caller; ProgramProcess.cs has the same list.
enum call {
    CALL_PIPE, CALL_NONBLOCK, CALL_SIGNALS, CALL_FORK, CALL_SESSION, CALL_PARENT_SIGNAL, CALL_PARENT, CALL_DUP, CALL_DEFAULTS, CALL_UNBLOCK,
    CALL_EXECVE
};

enum { IN, OUT, ERR, STREAMS };

// How many bytes one call moves (a pipe holds as many), and how many times before the other streams have their turn.
#define MOST_AT_ONCE 65536
#define PIECES_IN_A_ROW 8

// How many orphans are reaped before the streams have their turn.
#define REAPED_IN_A_ROW 64

// How long the kernel has to find memory, in milliseconds.
#define MEMORY_PATIENCE 10

struct stream {
    int from, to;          // -1 at its end.
    bool waits_for_target; // Whether the target was full at the last try; if not, the source was empty.
    long left;             // Bytes to move until its end; -1 if the source shows the end.
};

static struct stream streams[STREAMS];
static bool has_own_stderr;
static int signals = -1;
static pid_t program = -1;
static bool may_have_ended = true;
static bool has_moved_output;

// Written by the program's process, which shares the pump's memory until execve has succeeded.
static volatile enum call failed_call;
static volatile int failure;

static const uint64_t no_signal, all_signals = ~(uint64_t)0;

// The kernel's own call: libc's call leaves out the signals 32 and 33.
static int block(const uint64_t *set) {
    return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, set, NULL, sizeof *set);
}

// The kernel's structure of sigaction(2) is at most this long; zero is SIG_DFL without flags.
static int set_default(int signal) {
    static const char action[64];
    return (int)syscall(SYS_rt_sigaction, signal, action, NULL, sizeof no_signal);
}

// Resets the handlers: until execve, a handler of the runtime would run in the pump's memory.
static int set_all_default(void) {
    for (int signal = 1; signal <= 64; signal++)
        if (signal != SIGKILL && signal != SIGSTOP && set_default(signal) < 0)
            return -1;
    return 0;
}

__attribute__((noreturn)) static void become_program(const int pipes[STREAMS][2], pid_t pump, char *const argv[], char *const envp[]) {
    int errors = has_own_stderr ? pipes[ERR][1] : pipes[OUT][1];
    // A separate session and process group, as if there were no pump between the program and the daemon.
    if (failed_call = CALL_SESSION, setsid() < 0)
        goto failed;
    // A program that is set-user-ID to another user would lose this. For a command no program is, because of no_new_privs.
    if (failed_call = CALL_PARENT_SIGNAL, prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        goto failed;
    if (failed_call = CALL_PARENT, getppid() != pump) {
        errno = ESRCH;
        goto failed;
    }
    failed_call = CALL_DUP;
    if (dup2(pipes[IN][0], STDIN_FILENO) < 0 || dup2(pipes[OUT][1], STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0)
        goto failed;
    if (failed_call = CALL_DEFAULTS, set_all_default() < 0)
        goto failed;
    if (failed_call = CALL_UNBLOCK, block(&no_signal) < 0)
        goto failed;
    failed_call = CALL_EXECVE;
    execve(argv[0], argv, envp);
failed:
    failure = errno;
    _exit(127);
}

static int fail(enum call call, int *failed) {
    *failed = call;
    return errno;
}

static void close_pair(const int pair[2]) {
    (void)close(pair[0]);
    (void)close(pair[1]);
}

// A separate function, so that no local variable is in use across vfork(2).
__attribute__((noinline)) static pid_t start(const int pipes[STREAMS][2], char *const argv[], char *const envp[]) {
    pid_t pump = getpid();
    pid_t child = vfork();
    if (child == 0)
        become_program(pipes, pump, argv, envp);
    return child;
}

// Starts argv[0] with pipes as its descriptors 0, 1 and 2, in place of the sockets that this process has there. Returns 0, or an errno and
// the call that failed; after a failure nothing of the program is left.
int pipeforkas_start_program(char *const argv[], char *const envp[], bool own_stderr, int *failed) {
    int pipes[STREAMS][2];
    int count = own_stderr ? STREAMS : ERR, made = 0, error = 0;
    has_own_stderr = own_stderr;
    failure = 0;

    // No signal may end the pump or run a handler of the runtime.
    if (block(&all_signals) < 0)
        return fail(CALL_SIGNALS, failed);
    while (made < count && pipe2(pipes[made], O_CLOEXEC) == 0)
        made++;
    if (made < count)
        error = fail(CALL_PIPE, failed);
    // splice(2) with SPLICE_F_NONBLOCK never waits for a pipe, but would wait for a socket as its target.
    for (int i = OUT; i < count && error == 0; i++)
        if (fcntl(i, F_SETFL, O_NONBLOCK) < 0)
            error = fail(CALL_NONBLOCK, failed);

    sigset_t watched;
    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, SIGCHLD);
    (void)sigaddset(&watched, SIGTERM);
    if (error == 0 && (signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        error = fail(CALL_SIGNALS, failed);
    if (error == 0 && (program = start(pipes, argv, envp)) < 0)
        error = fail(CALL_FORK, failed);
    if (error == 0 && failure != 0) {
        error = failure;
        *failed = failed_call;
        (void)waitpid(program, NULL, 0);
    }

    if (error != 0) {
        if (signals >= 0)
            (void)close(signals);
        signals = -1;
        for (int i = 0; i < made; i++)
            close_pair(pipes[i]);
        return error;
    }

    for (int i = 0; i < STREAMS; i++)
        streams[i] = (struct stream){.from = -1, .to = -1, .left = -1};
    for (int i = 0; i < count; i++) {
        (void)close(pipes[i][i == IN ? 0 : 1]);
        streams[i].from = i == IN ? i : pipes[i][0];
        streams[i].to = i == IN ? pipes[i][1] : i;
    }
    return 0;
}

// If some bytes cannot be moved, the stream must not look complete: half of a stream is worthless.
__attribute__((noreturn)) static void give_up(void) {
    (void)kill(-program, SIGKILL);
    (void)kill(getpid(), SIGKILL);
    _exit(1);
}

static bool is_open(const struct stream *stream) {
    return stream->from >= 0;
}

// Passes the end on in both directions: the reader sees it, and the writer's next write fails.
static void finish(struct stream *stream) {
    (void)close(stream->from);
    (void)close(stream->to);
    if (stream == &streams[OUT] && !has_own_stderr)
        (void)close(STDERR_FILENO); // The same socket.
    stream->from = stream->to = -1;
}

static void move(struct stream *stream) {
    for (int piece = 0; piece < PIECES_IN_A_ROW; piece++) {
        size_t most = stream->left >= 0 && stream->left < MOST_AT_ONCE ? (size_t)stream->left : MOST_AT_ONCE;
        ssize_t moved = splice(stream->from, NULL, stream->to, NULL, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (moved > 0) {
            stream->waits_for_target = false;
            has_moved_output |= stream != &streams[IN];
            if (stream->left >= 0 && (stream->left -= moved) == 0)
                finish(stream);
            else if ((size_t)moved == most)
                continue;
            return; // Usually the source is empty. If the target is full instead, the next try finds that.
        }
        if (moved == 0 || errno == EPIPE || errno == ECONNRESET)
            finish(stream);
        else if (errno == EAGAIN)
            stream->waits_for_target = !stream->waits_for_target; // poll(2) said that one is ready, so the other is not.
        else if (errno == ENOMEM || errno == ENOBUFS)
            (void)poll(NULL, 0, MEMORY_PATIENCE);
        else if (errno != EINTR)
            give_up();
        return;
    }
}

// Returns whether the program has ended. It stays a zombie, so that no other process group can get its number. Other children are reaped:
// orphans that came to the pump (PR_SET_CHILD_SUBREAPER), and processes that made themselves its children (CLONE_PARENT).
static bool has_ended(void) {
    siginfo_t child = {0};
    may_have_ended = false;
    if (waitid(P_PID, (id_t)program, &child, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
        give_up();
    if (child.si_pid == program)
        return true;
    for (int i = 0; i < REAPED_IN_A_ROW; i++) {
        child = (siginfo_t){0};
        if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || child.si_pid == 0)
            return false;
        if (child.si_pid == program)
            return true;
        (void)waitid(P_PID, (id_t)child.si_pid, &child, WEXITED | WNOHANG | __WALL);
    }
    may_have_ended = true;
    return false;
}

// Checks whether children have ended, and passes the daemon's signals to the program and to its process group.
static void take_signals(void) {
    struct signalfd_siginfo taken[2];
    ssize_t length = read(signals, taken, sizeof taken);
    for (ssize_t i = 0; i < length / (ssize_t)sizeof taken[0]; i++) {
        if (taken[i].ssi_signo == SIGTERM)
            (void)kill(-program, SIGTERM);
        else
            may_have_ended = true;
    }
}

// Ends as the program ended.
__attribute__((noreturn)) static void end_as_program(void) {
    siginfo_t child = {0};
    if (waitid(P_PID, (id_t)program, &child, WEXITED | __WALL) < 0)
        give_up();
    if (child.si_code == CLD_EXITED)
        _exit(child.si_status);
    uint64_t others = ~((uint64_t)1 << (child.si_status - 1));
    if (child.si_status != SIGKILL)
        (void)set_default(child.si_status);
    (void)kill(getpid(), child.si_status);
    (void)block(&others);
    give_up();
}

static int64_t now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// Other processes still have the outputs open, and their grace is over. The client, which may read slowly, still gets the bytes that are
// now in the pipes.
static void leave_others(void) {
    for (int i = OUT; i < STREAMS; i++) {
        int unread = 0;
        if (!is_open(&streams[i]))
            continue;
        if (ioctl(streams[i].from, FIONREAD, &unread) < 0)
            give_up();
        streams[i].left = unread;
        if (unread == 0)
            finish(&streams[i]);
    }
}

// Returns whether an output waits for the client: a process that has the output open may have more to write, and cannot.
static bool waits_for_client(void) {
    for (int i = OUT; i < STREAMS; i++)
        if (is_open(&streams[i]) && streams[i].waits_for_target)
            return true;
    return false;
}

// Waits until there is something to do, and does it.
static void turn(int timeout) {
    struct pollfd entries[1 + 2 * STREAMS];
    int sources[STREAMS], targets[STREAMS];
    nfds_t count = 0;
    entries[count++] = (struct pollfd){.fd = signals, .events = POLLIN};
    for (int i = 0; i < STREAMS; i++) {
        sources[i] = targets[i] = -1;
        if (!is_open(&streams[i]))
            continue;
        // poll(2) always reports POLLERR and POLLHUP, which show that nothing reads from a target any more.
        targets[i] = (int)count;
        entries[count++] = (struct pollfd){.fd = streams[i].to, .events = streams[i].waits_for_target ? POLLOUT : 0};
        if (streams[i].waits_for_target)
            continue;
        sources[i] = (int)count;
        entries[count++] = (struct pollfd){.fd = streams[i].from, .events = POLLIN};
    }
    if (poll(entries, count, timeout) < 0) {
        if (errno != EINTR && errno != ENOMEM)
            give_up();
        return;
    }

    if (entries[0].revents != 0)
        take_signals();
    for (int i = 0; i < STREAMS; i++) {
        if (targets[i] >= 0 && (entries[targets[i]].revents & (POLLERR | POLLHUP)) != 0)
            finish(&streams[i]);
        else if ((targets[i] >= 0 && entries[targets[i]].revents != 0) || (sources[i] >= 0 && entries[sources[i]].revents != 0))
            move(&streams[i]);
    }
}

// Moves bytes until the program has ended and its outputs are at their end, and ends as the program ended. Other processes that have an
// output open when the program ends get a grace, and lose it if they write nothing for a time; both in milliseconds.
__attribute__((noreturn)) void pipeforkas_pump(int64_t grace, int64_t orphan_grace) {
    bool ended = false, is_over = false;
    int64_t deadline = 0, quiet_until = 0;
    for (;;) {
        if (!ended && may_have_ended && (ended = has_ended())) {
            deadline = now() + grace;
            has_moved_output = true;
        }
        if (ended && !is_open(&streams[OUT]) && !is_open(&streams[ERR]))
            end_as_program();
        int64_t timeout = !ended && may_have_ended ? 0 : -1;
        if (ended && !is_over) {
            if (has_moved_output || waits_for_client())
                quiet_until = now() + orphan_grace;
            has_moved_output = false;
            timeout = (quiet_until < deadline ? quiet_until : deadline) - now();
        }
        if (ended && !is_over && timeout <= 0) {
            is_over = true;
            leave_others();
        } else {
            turn(timeout > INT32_MAX ? INT32_MAX : (int)timeout);
        }
    }
}
