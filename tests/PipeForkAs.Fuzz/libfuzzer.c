// libFuzzer in the process of the fuzzed code: it generates inputs, calls back with each, and reads the branches that the input took from
// the counters.
// Built by tests/fuzz/run.sh as libpipeforkas-fuzz.so, with the archive of libFuzzer that has no main.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COUNTERS = 65536, LONGEST = 1 << 20 };

typedef int callback(const uint8_t *data, size_t size);

int LLVMFuzzerRunDriver(int *argc, char ***argv, callback *run);

// The instrumented code counts here. libFuzzer finds the section by its name, reads it and clears it.
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

// The current input, in a file: it stays there if something ends the process at once (a stack overflow, a kill).
static struct { uint64_t size; uint8_t data[LONGEST]; } *current;

static callback *product;

static int run(const uint8_t *data, size_t size) {
    current->size = size < LONGEST ? size : LONGEST;
    memcpy(current->data, data, current->size);
    return product(data, size);
}

// The handlers of exit(3) in the runtime would wait for threads that are in libFuzzer.
static void leave(int status, void *unused) {
    (void)unused;
    fflush(NULL);
    _exit(status);
}

uint8_t *pipeforkas_fuzz_counters(void) { return counters; }

void pipeforkas_fuzz_quit(int status) { leave(status, NULL); }

int pipeforkas_fuzz_run(int argc, char **argv, callback *managed, const char *current_path) {
    int file = open(current_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof *current) != 0) {
        perror(current_path);
        return 1;
    }
    current = mmap(NULL, sizeof *current, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (current == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    product = managed;
    on_exit(leave, NULL);
    return LLVMFuzzerRunDriver(&argc, &argv, run);
}
