// A name service whose database becomes available late: it knows the user pfalate (uid 64990) with the group pfalateg (gid 64991). The
// first letter of the file in PFA_LATE is its state: h it does not answer, u it is unreachable (as nslcd reports it), n it has no such
// names, k it knows them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum nss_status state(int *error)
{
    for (;;) {
        char letter = 0;
        const char *name = getenv("PFA_LATE");
        int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
        if (file < 0 || read(file, &letter, 1) != 1) letter = 'n';
        if (file >= 0) close(file);
        if (letter == 'k') return NSS_STATUS_SUCCESS;
        if (letter == 'n') return NSS_STATUS_NOTFOUND;
        if (letter == 'u') { *error = ENOENT; return NSS_STATUS_UNAVAIL; }
        usleep(50000);
    }
}

static enum nss_status user(struct passwd *entry, char *buffer, size_t size, int *error)
{
    if (size < 64) { *error = ERANGE; return NSS_STATUS_TRYAGAIN; }
    strcpy(buffer, "pfalate");
    strcpy(buffer + 16, "/nonexistent");
    strcpy(buffer + 32, "/bin/sh");
    *entry = (struct passwd){ .pw_name = buffer, .pw_passwd = buffer + 7, .pw_uid = 64990, .pw_gid = 64991, .pw_gecos = buffer + 7,
                              .pw_dir = buffer + 16, .pw_shell = buffer + 32 };
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_pfalate_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, int *error)
{
    enum nss_status now = state(error);
    if (now != NSS_STATUS_SUCCESS) return now;
    return strcmp(name, "pfalate") == 0 ? user(entry, buffer, size, error) : NSS_STATUS_NOTFOUND;
}

enum nss_status _nss_pfalate_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, int *error)
{
    enum nss_status now = state(error);
    if (now != NSS_STATUS_SUCCESS) return now;
    return uid == 64990 ? user(entry, buffer, size, error) : NSS_STATUS_NOTFOUND;
}

static enum nss_status group(struct group *entry, char *buffer, size_t size, int *error)
{
    if (size < 64) { *error = ERANGE; return NSS_STATUS_TRYAGAIN; }
    char **members = (char **)buffer;
    members[0] = NULL;
    strcpy(buffer + 16, "pfalateg");
    *entry = (struct group){ .gr_name = buffer + 16, .gr_passwd = buffer + 24, .gr_gid = 64991, .gr_mem = members };
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_pfalate_getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, int *error)
{
    enum nss_status now = state(error);
    if (now != NSS_STATUS_SUCCESS) return now;
    return strcmp(name, "pfalateg") == 0 ? group(entry, buffer, size, error) : NSS_STATUS_NOTFOUND;
}
