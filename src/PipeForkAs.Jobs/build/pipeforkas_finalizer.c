// The NativeAOT runtime starts its finalizer thread when the process starts. A process that forks must have one thread. Otherwise the child
// inherits a thread list with a thread that does not exist in the child, and the first new thread that libc gives the dead thread's stack
// hangs the next garbage collection. So the linker puts these functions before the runtime's (--wrap): the first keeps the request for the
// thread. The others start the thread, in a forked child or in a process that never forks, when there is something for it to do: a
// collection found objects to finalize, or some code waits for finalizers. Most jobs, and most commands, end before that, and a second
// thread costs more than they do.
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t (*background_callback)(void *context);

// Their names in C++: PalStartFinalizerThread(background_callback, void *), GCToEEInterface::EnableFinalization(bool).
bool __real__Z23PalStartFinalizerThreadPFjPvES_(background_callback callback, void *context);
void __real__ZN15GCToEEInterface18EnableFinalizationEb(bool found);
void __real_RhWaitForPendingFinalizers(int32_t allow_reentrant_wait);

static background_callback kept_callback;
static void *kept_context;
static bool may_start, is_started;
static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

bool __wrap__Z23PalStartFinalizerThreadPFjPvES_(background_callback callback, void *context) {
    kept_callback = callback;
    kept_context = context;
    return true;
}

// Allows the thread to start from now on: in a forked child, or in a process that never forks. Returns false if the runtime never requested
// the thread: this version of the runtime starts it in another way, and a worker cannot be trusted.
bool pipeforkas_allow_finalizer_thread(void) {
    may_start = true;
    return kept_callback != NULL;
}

// Returns whether the thread runs, and starts it if needed. If that fails (the user has reached the maximum of processes), the next call
// tries again.
static bool has_finalizer_thread(void) {
    if (!may_start)
        return false;
    (void)pthread_mutex_lock(&starting);
    if (!is_started)
        is_started = __real__Z23PalStartFinalizerThreadPFjPvES_(kept_callback, kept_context);
    bool runs = is_started;
    (void)pthread_mutex_unlock(&starting);
    return runs;
}

// The collector calls this after a collection; the request is kept for a thread that starts later. The first spinning wait also calls
// RhEnableFinalization(), which this calls, to measure how long a pause takes: that is not a reason to start the thread.
void __wrap__ZN15GCToEEInterface18EnableFinalizationEb(bool found) {
    __real__ZN15GCToEEInterface18EnableFinalizationEb(found);
    if (found)
        (void)has_finalizer_thread();
}

// Without the thread this would wait for ever: if there is no thread, nothing is finalized, and this returns at once.
void __wrap_RhWaitForPendingFinalizers(int32_t allow_reentrant_wait) {
    if (has_finalizer_thread())
        __real_RhWaitForPendingFinalizers(allow_reentrant_wait);
}
