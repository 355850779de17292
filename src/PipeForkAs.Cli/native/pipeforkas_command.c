// What the command pipeforkas does in C, to have one thread.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

bool pipeforkas_allow_finalizer_thread(void);

// The command never forks without an exec. Its finalizer thread may start when there is something to finalize, which is rare
// (pipeforkas_finalizer.c).
__attribute__((constructor)) static void prepare(void) {
    (void)pipeforkas_allow_finalizer_thread();
}

static void exit_with(int number) {
    _exit(128 + number);
}

// Ends the process at SIGINT and SIGTERM with the status that a shell shows for the signal, also while the process is blocked in a call; a
// handler in C# would need a thread. A signal that the process was started to ignore, as a shell without job control starts a command in
// the background, stays ignored. The calls cannot fail: both signals can be caught.
void pipeforkas_exit_on_signals(void) {
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct sigaction former, ending = {.sa_handler = exit_with};
        (void)sigaction(signals[i], NULL, &former);
        if (former.sa_handler != SIG_IGN)
            (void)sigaction(signals[i], &ending, NULL);
    }
}

enum { MAX_WORDS = 32 };

// Starts a program in the session of the command, so that it can use the terminal, and ties its life to the command: the kernel sends it
// SIGTERM at the end of the command, also after SIGKILL (PR_SET_PDEATHSIG(2const); the command has one thread). posix_spawn(3) cannot do
// that. ssh would not notice: it looks at its standard output only when it writes. Words: the path of the program, and its arguments from
// its name on, each with a NUL at its end. Returns the process id, or the negative errno.
int pipeforkas_spawn_tied(const char *words, int length, int socket, int error) {
    char *arguments[MAX_WORDS + 1];
    int count = 0;
    for (const char *word = words; word < words + length; word += strlen(word) + 1) {
        if (count == MAX_WORDS)
            return -E2BIG;
        arguments[count++] = (char *)word;
    }
    if (count < 2 || words[length - 1] != '\0')
        return -EINVAL;
    arguments[count] = NULL;

    // A handler of the command must not run in the child, which has the memory of the command until execv.
    sigset_t all, former;
    sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &former);
    volatile int problem = 0;
    pid_t parent = getpid();
    pid_t child = vfork();
    if (child == 0) {
        // The runtime ignores SIGPIPE, and exec keeps that.
        struct sigaction usual = {.sa_handler = SIG_DFL};
        (void)sigaction(SIGPIPE, &usual, NULL);
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 || dup2(socket, STDIN_FILENO) == -1 || dup2(socket, STDOUT_FILENO) == -1
            || dup2(error, STDERR_FILENO) == -1 || getppid() != parent) {
            problem = errno != 0 ? errno : ESRCH;
            _exit(127);
        }
        // These have handlers, which exec resets; a pending one would run before.
        struct sigaction old;
        static const int handled[] = {SIGINT, SIGTERM};
        for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
            if (sigaction(handled[i], NULL, &old) == 0 && old.sa_handler == exit_with)
                (void)sigaction(handled[i], &usual, NULL);
        (void)sigprocmask(SIG_SETMASK, &former, NULL);
        (void)execv(arguments[0], arguments + 1);
        problem = errno;
        _exit(127);
    }

    int failed = child == -1 ? errno : problem;
    (void)sigprocmask(SIG_SETMASK, &former, NULL);
    return failed == 0 ? (int)child : -failed;
}
