// Exits with 0 if the kernel creates huge pages (MADV_COLLAPSE) for memory, or, with an argument, for a file in memory with executed pages;
// else with 1.
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define HUGE_PAGE ((uintptr_t)0x200000)
#define LENGTH (8 * HUGE_PAGE)

int main(int count, char **arguments) {
    (void)arguments;
    char *area = mmap(NULL, LENGTH + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return 1;
    char *memory = area + (-(uintptr_t)area & (HUGE_PAGE - 1));
    int file = -1;
    if (count > 1) {
        file = memfd_create("collapse", MFD_CLOEXEC);
        if (file < 0 || ftruncate(file, LENGTH) < 0 || mmap(memory, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
            return 1;
    }
    memset(memory, 1, LENGTH);
    if (madvise(memory, LENGTH, MADV_COLLAPSE) != 0)
        return 1;
    return file >= 0 && mmap(memory, LENGTH, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0) == MAP_FAILED;
}
