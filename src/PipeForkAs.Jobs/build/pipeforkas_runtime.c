// What a job host does for its forks beside its one thread (pipeforkas_finalizer.c): its data and its code in huge pages.
#define _GNU_SOURCE
#include <fcntl.h>
#include <link.h>
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

// Only a natively compiled program that is linked with this file has this function. A job host without it must not fork.
bool pipeforkas_is_linked(void) {
    return true;
}

// NativeAOT unpacks the descriptions of its types into the section .hydrated when the process starts. The section is a megabyte that is
// only read from then on. Each fork copies, and each exit drops, the entries of about 270 pages. This aligns the section's end with the end
// of a huge page. Because of the alignment, the linker gives the section a separate segment, which the kernel begins on a huge page. The
// executable as a whole then has one of 2^19 addresses instead of 2^28; all jobs of a job host see the same address anyway.
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

// Makes huge pages of that section: a fork copies one entry for each. If none are available (madvise(2), MADV_COLLAPSE: Linux 6.1,
// transparent huge pages, free memory), nothing changes, and a fork takes longer.
void pipeforkas_collapse_hydrated(void) {
    for (uintptr_t page = (uintptr_t)pipeforkas_hydrated_end - HUGE_PAGE; page >= (uintptr_t)__bss_start; page -= HUGE_PAGE)
        (void)madvise((void *)page, HUGE_PAGE, MADV_COLLAPSE);
}

// The most code to move: the system cannot drop this memory and read it again, as it can with the file's pages.
#define MOST_CODE (8 * HUGE_PAGE)

// Returns whether a file may have this length. Without this check, the kernel would kill the process when it creates a longer file
// (RLIMIT_FSIZE, setrlimit(2)).
static bool may_be_as_long(size_t length) {
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur >= length;
}

// Creates a file of huge pages in memory that contains a copy of this area, and that no process can write to any more; -1 if none is
// available.
static int copy_to_huge_pages(const char *from, size_t length) {
    if (!may_be_as_long(length))
        return -1;
    int file = memfd_create("pipeforkas-code", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    if (file < 0)
        file = memfd_create("pipeforkas-code", MFD_CLOEXEC | MFD_ALLOW_SEALING); // Before Linux 6.3.
    if (file < 0)
        return -1;
    bool is_copied = false;
    // Allocates the memory at once: too little memory is then an error here, and not a signal during the copy.
    char *area = fallocate(file, 0, 0, (off_t)length) < 0 ? MAP_FAILED
        : mmap(NULL, length + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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
        // In one step, because this function moves with the rest. If the kernel refuses, it does so before it removes anything.
        (void)mmap((void *)first, length, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0);
        (void)close(file);
    }
    return 1; // The program is the first; libraries keep their place.
}

// Replaces the program's code and constants with a copy in huge pages at the same addresses. A worker then finds them with one or two page
// faults instead of fifteen, each of which brings sixteen entries that its exit has to drop. The copy costs its size in memory, 4 MB for
// the stock jobs. For this, the linker puts code and constants next to each other (-z noseparate-code), in most programs from the start of
// a huge page, because the section above requires one. If the kernel provides no such file, or does not allow its pages to be executed,
// nothing changes. Debuggers and profilers find the code in "/memfd:pipeforkas-code".
void pipeforkas_move_code(void) {
    dl_iterate_phdr(move_code_of, NULL);
}
