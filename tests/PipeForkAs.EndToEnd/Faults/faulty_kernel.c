// Runs before a job host and makes system calls fail, or have no effect, for it and all its workers.
// Reads ARGV0.fault: the path of the job host, then lines "SYSCALL ERRNO [INDEX=VALUE ...]": that system call returns -ERRNO without being
// executed if the lower halves of the arguments with these indices have these values; ERRNO 0 reports success without effect.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX 256

static struct sock_filter program[MAX];
static unsigned short length;

static void add(struct sock_filter instruction) {
    if (length == MAX) { fprintf(stderr, "too many faults\n"); exit(70); }
    program[length++] = instruction;
}

static void load(size_t offset) { add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }

int main(int argc, char **argv, char **envp) {
    char name[4096], host[4096], line[4096];
    (void)argc;
    snprintf(name, sizeof name, "%s.fault", argv[0]);
    FILE *file = fopen(name, "re");
    if (!file || !fgets(host, sizeof host, file)) { perror(name); return 70; }
    host[strcspn(host, "\n")] = 0;

    while (fgets(line, sizeof line, file)) {
        char *save, *word = strtok_r(line, " \n", &save);
        if (!word) continue;
        unsigned number = strtoul(word, NULL, 0);
        unsigned error = strtoul(strtok_r(NULL, " \n", &save), NULL, 0);
        struct { unsigned index, value; } wanted[6];
        int conditions = 0;
        while (conditions < 6 && (word = strtok_r(NULL, " \n", &save))) {
            wanted[conditions].index = strtoul(word, &word, 0);
            wanted[conditions++].value = strtoul(word + 1, NULL, 0);
        }
        // Each comparison that fails jumps past this fault: over two instructions for each further condition, and the verdict.
        load(offsetof(struct seccomp_data, nr));
        add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, (unsigned char)(2 * conditions + 1)));
        for (int i = 0; i < conditions; i++) {
            load(offsetof(struct seccomp_data, args) + 8 * wanted[i].index);
            add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted[i].value, 0, (unsigned char)(2 * (conditions - i - 1) + 1)));
        }
        add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA)));
    }
    fclose(file);
    add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));

    struct sock_fprog filter = {.len = length, .filter = program};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter)) { perror("seccomp"); return 70; }
    argv[0] = host;
    execve(host, argv, envp);
    perror(host);
    return 70;
}
