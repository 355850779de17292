// Ends with 0 where the kernel makes a huge page (MADV_COLLAPSE) of memory, or, with an argument, of a file in memory; with 1 where not.
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

int main(int count, char **arguments) {
    (void)arguments;
    const size_t huge = 2 << 20;
    char *area = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return 1;
    char *page = (char *)(((uintptr_t)area + huge - 1) & -huge);
    if (count > 1) {
        int file = memfd_create("collapse", MFD_CLOEXEC);
        if (file < 0 || ftruncate(file, huge) < 0 || mmap(page, huge, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
            return 1;
    }
    memset(page, 1, huge / 2);
    return madvise(page, huge, MADV_COLLAPSE) != 0;
}
