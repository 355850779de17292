// Ends with 0 where the kernel makes a huge page of memory that was asked for it (MADV_COLLAPSE), with 1 where not.
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

int main(void) {
    const size_t huge = 2 << 20;
    char *area = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return 1;
    char *page = (char *)(((uintptr_t)area + huge - 1) & -huge);
    memset(page, 1, huge / 2);
    return madvise(page, huge, MADV_COLLAPSE) != 0;
}
