// The NativeAOT runtime starts its finalizer thread when the process starts. A process that forks must have one thread, or the
// child inherits a thread list with a thread on it that does not exist there, and the first new thread that libc gives the dead
// one's stack hangs the next garbage collection. So the linker puts these functions before the runtime's (--wrap): the first keeps what
// was asked, and the others start the thread, in a forked child, when there is first something for it to do: when a collection found
// objects to be finalized, or somebody waits for finalizers. Most jobs are over before that, and a second thread costs more than they do.
#define _GNU_SOURCE
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#endif

typedef uint32_t (*background_callback)(void *context);

// By their names in C++: PalStartFinalizerThread(background_callback, void *), GCToEEInterface::EnableFinalization(bool).
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

// Only a natively compiled program that is linked with this file has this function. A job host without it must not fork.
bool pipeforkas_is_linked(void) {
    return true;
}

// From now on the thread may be started: in a forked child, or where nothing is forked. False where the runtime never asked for one: this
// version of the runtime starts it in another way, and a worker cannot be trusted.
bool pipeforkas_allow_finalizer_thread(void) {
    may_start = true;
    return kept_callback != NULL;
}

// Whether the thread runs. Where none can be made (the user has as many processes as it may) the next one who needs it tries again.
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

// The collector calls this behind a collection; the request is kept for a thread that starts later. RhEnableFinalization(), which it calls, is also asked by the first
// spinning wait, to measure how long a pause takes: no reason for a thread.
void __wrap__ZN15GCToEEInterface18EnableFinalizationEb(bool found) {
    __real__ZN15GCToEEInterface18EnableFinalizationEb(found);
    if (found)
        (void)has_finalizer_thread();
}

// Without the thread this would wait for ever: where there is none, nothing is finalized, and nobody waits for it.
void __wrap_RhWaitForPendingFinalizers(int32_t allow_reentrant_wait) {
    if (has_finalizer_thread())
        __real_RhWaitForPendingFinalizers(allow_reentrant_wait);
}

// NativeAOT unpacks the descriptions of its types into the section .hydrated when the process starts: a megabyte that is only read from
// then on, and of which each fork copies, and each exit drops, the entries of some 270 pages. This puts its end where a huge page ends;
// the linker gives it a place of its own because of that, at which the kernel begins a huge page. The executable as a whole then lies at
// one of 2^19 addresses instead of 2^28; all jobs of a job host see the same one anyway.
#define HUGE_PAGE ((uintptr_t)0x200000)
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

// So much of the code at most: it is memory that the system cannot drop and read again, as it can the file's.
#define MOST_CODE (8 * HUGE_PAGE)

// Whether a file may be so long. Without the question the process would be killed that makes one which may not (RLIMIT_FSIZE, setrlimit(2)).
static bool may_be_as_long(size_t length) {
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur >= length;
}

// A file in memory of huge pages that holds what is at this place, and that nobody can write to any more; -1 where there is none to be had.
static int copy_to_huge_pages(const char *from, size_t length) {
    if (!may_be_as_long(length))
        return -1;
    int file = memfd_create("pipeforkas-code", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    if (file < 0)
        file = memfd_create("pipeforkas-code", MFD_CLOEXEC | MFD_ALLOW_SEALING); // Before Linux 6.3.
    if (file < 0)
        return -1;
    bool is_copied = false;
    // Its memory at once: where there is too little of it, that is an error here, and a signal when the copy is made.
    char *area = fallocate(file, 0, 0, (off_t)length) < 0 ? MAP_FAILED : mmap(NULL, length + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area != MAP_FAILED) {
        char *copy = area + (-(uintptr_t)area & (HUGE_PAGE - 1));
        if (mmap(copy, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED) {
            memcpy(copy, from, length);
            is_copied = madvise(copy, length, MADV_COLLAPSE) == 0;
        }
        (void)munmap(area, length + HUGE_PAGE);
    }
    if (is_copied && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
        return file;
    (void)close(file);
    return -1;
}

static int move_code_of(struct dl_phdr_info *program, size_t size, void *unused) {
    (void)size, (void)unused;
    for (int i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & (PF_R | PF_W | PF_X)) != (PF_R | PF_X))
            continue;
        uintptr_t start = program->dlpi_addr + segment->p_vaddr;
        uintptr_t first = (start + HUGE_PAGE - 1) & -HUGE_PAGE, end = (start + segment->p_memsz) & -HUGE_PAGE;
        if (end <= first)
            continue;
        size_t length = end - first < MOST_CODE ? end - first : MOST_CODE;
        int file = copy_to_huge_pages((const char *)first, length);
        if (file < 0)
            break;
        // In one step, since this function is moved with the rest. What the kernel refuses it refuses before it takes anything away.
        (void)mmap((void *)first, length, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0);
        (void)close(file);
    }
    return 1; // The program is the first; libraries keep their place.
}

// Puts a copy of the program's code and constants, in huge pages, where they are: a worker finds them with a page fault or two instead of fifteen, each of
// which brings sixteen entries that its exit has to drop. It costs their size in memory, 4 MB for the stock jobs. The linker lays code and constants behind
// each other for that (-z noseparate-code), in most programs from a huge page's begin on, since the section above asks for one. Where the kernel gives no
// such file, or will not have its pages executed, all stays as it is. Debuggers and profilers find the code in "/memfd:pipeforkas-code".
void pipeforkas_move_code(void) {
    dl_iterate_phdr(move_code_of, NULL);
}
