// The NativeAOT runtime starts its finalizer thread when the process starts. A process that forks must have one thread, or the
// child inherits a thread list with a thread on it that does not exist there, and the first new thread that libc gives the dead
// one's stack hangs the next garbage collection. So the linker puts this function before the runtime's (--wrap): it keeps what
// was asked, and the thread is started when a worker says so, in the worker.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t (*background_callback)(void *context);

bool __real_PalStartFinalizerThread(background_callback callback, void *context);

static background_callback kept_callback;
static void *kept_context;

bool __wrap_PalStartFinalizerThread(background_callback callback, void *context) {
    kept_callback = callback;
    kept_context = context;
    return true;
}

// Starts the finalizer thread once. 1: started now or before. 0: the thread could not be made. -1: the runtime never asked for one,
// so this version of the runtime starts it in another way and a worker cannot be trusted.
int32_t pipeforkas_start_finalizer_thread(void) {
    static bool started;
    if (started)
        return 1;
    if (kept_callback == NULL)
        return -1;
    started = __real_PalStartFinalizerThread(kept_callback, kept_context);
    return started ? 1 : 0;
}
