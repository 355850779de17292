// The NativeAOT runtime starts its finalizer thread when the process starts. A process that forks must have one thread, or the
// child inherits a thread list with a thread on it that does not exist there, and the first new thread that libc gives the dead
// one's stack hangs the next garbage collection. So the linker puts this function before the runtime's (--wrap): it keeps what
// was asked, and the thread is started when a worker says so, in the worker.
#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

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

// NativeAOT unpacks the descriptions of its types into the section .hydrated when the process starts: a megabyte that is only read from
// then on, and of which each fork copies, and each exit drops, the entries of some 270 pages. This puts its end where a huge page ends;
// the linker gives it a place of its own because of that, at which the kernel begins a huge page. The executable as a whole then lies at
// one of 2^19 addresses instead of 2^28; all jobs of a job host see the same one anyway.
#define HUGE_PAGE 0x200000
__asm__(
    ".pushsection .hydrated,\"aw\",@nobits\n"
    ".balign 0x200000\n"
    ".globl pipeforkas_hydrated_end\n"
    ".hidden pipeforkas_hydrated_end\n"
    "pipeforkas_hydrated_end:\n"
    ".skip 1\n"
    ".popsection\n");
extern char pipeforkas_hydrated_end[], __bss_start[];

// Makes huge pages of that section: a fork copies one entry of each. Where there are none to be had (madvise(2), MADV_COLLAPSE: Linux 6.1,
// transparent huge pages, free memory) all stays as it is, and a fork takes longer.
void pipeforkas_collapse_hydrated(void) {
    for (uintptr_t page = (uintptr_t)pipeforkas_hydrated_end - HUGE_PAGE; page >= (uintptr_t)__bss_start; page -= HUGE_PAGE)
        (void)madvise((void *)page, HUGE_PAGE, MADV_COLLAPSE);
}
