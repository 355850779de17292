// What the command pipeforkas does in C, to have one thread.
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

bool pipeforkas_allow_finalizer_thread(void);

// The command never forks. Its finalizer thread may start when there is something to finalize, which is rare (pipeforkas_finalizer.c).
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
