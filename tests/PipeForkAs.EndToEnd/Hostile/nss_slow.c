// A name service without users, which needs a minute to say so for names that begin with "pfaslow" and for uid 3999999999.
#define _GNU_SOURCE
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum nss_status _nss_pfaslow_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, int *error)
{
    (void)entry; (void)buffer; (void)size; (void)error;
    if (strncmp(name, "pfaslow", 7) == 0) sleep(60);
    return NSS_STATUS_NOTFOUND;
}

enum nss_status _nss_pfaslow_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, int *error)
{
    (void)entry; (void)buffer; (void)size; (void)error;
    if (uid == 3999999999u) sleep(60);
    return NSS_STATUS_NOTFOUND;
}
